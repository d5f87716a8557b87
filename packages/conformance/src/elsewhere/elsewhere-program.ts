import { inspect } from "node:util";
import { parentPort, Worker } from "node:worker_threads";
import { capabilityMethods, type MemoryBackend, requiredMethods, supports } from "@deep-agent/core/adapter";
import { carried } from "./carried-error.ts";
import { fileBeside } from "./file-beside.ts";
import { type Ended, isRejected, type Reply, type Request } from "./messages.ts";
import { perform } from "./perform.ts";

/*
 * The program of the other process: it opens a backend, and calls it as the kit asks. The kit starts it as a child
 * process or as a worker thread.
 */

/** The backend, after it was opened. */
let opened: MemoryBackend<object> | undefined;

if (parentPort === null) {
  // The kit's process ended, or has finished with this one.
  process.on("disconnect", () => process.exit());
  // An adapter that blocks this thread would not notice that.
  new Worker(fileBeside("parent-watch"), { workerData: process.ppid }).unref();
  process.on("message", (request: Request) => void answer(request)); // the kit sends nothing else
} else {
  parentPort.on("message", (request: Request) => void answer(request));
}

async function answer(request: Request): Promise<void> {
  const { id } = request;
  try {
    if (request.ask === "open") {
      opened = await open(request.module, request.args);
      reply({ id, about: "opened", methods: methodsOf(opened) });
      return;
    }
    if (opened === undefined) throw new Error("No backend was opened.");
    if (request.ask === "close") {
      if (supports(opened, "lifecycle")) await opened.close();
      reply({ id, about: "closed" });
      return;
    }
    const { calls, at, spacing, eachAtOnce } = request;
    const tell = (ended: readonly Ended[]): void => reply({ id, about: "ended", ended: ended.map(sent) });
    const all = await perform(opened, calls, at, spacing, eachAtOnce ? (one) => tell([one]) : undefined);
    if (!eachAtOnce) tell(all);
  } catch (error) {
    reply({ id, about: "problem", problem: inspect(error) });
  }
}

function reply(message: Reply): void {
  if (parentPort !== null) parentPort.postMessage(message);
  // If the kit's process ended, "disconnect" follows.
  else process.send?.(message, undefined, undefined, () => undefined);
}

function sent(ended: Ended): Ended<ReturnType<typeof carried>> {
  const { error, ...others } = ended;
  return isRejected(ended) ? { ...others, error: carried(error) } : others;
}

async function open(module: string, args: readonly unknown[]): Promise<MemoryBackend<object>> {
  const exported: unknown = await import(module);
  const opener = openerIn(exported);
  if (opener === undefined) {
    throw new Error(
      `${module} exports no function that opens a backend. Its default export must be one, or a target with \`elsewhere.open\`.`,
    );
  }
  const backend: unknown = await Reflect.apply(opener.open, opener.owner, args);
  if (typeof backend !== "object" || backend === null)
    throw new Error(`The function of ${module} must return a backend, but returned ${inspect(backend, { depth: 0 })}.`);
  return backend as MemoryBackend<object>; // the kit compares its methods
}

interface Opener {
  readonly owner: unknown;
  readonly open: (...args: unknown[]) => unknown;
}

/** A CommonJS module that a compiler made of ESM has its default export in `default.default`. */
function openerIn(exported: unknown): Opener | undefined {
  const module = member(exported, "default");
  const candidates = [exported, module, member(module, "default")];
  for (const owner of candidates) {
    if (typeof owner === "function") return { owner: undefined, open: owner as Opener["open"] };
    const elsewhere = member(owner, "elsewhere");
    const open = member(elsewhere, "open");
    if (typeof open === "function") return { owner: elsewhere, open: open as Opener["open"] };
  }
  return undefined;
}

function member(owner: unknown, name: string): unknown {
  return (typeof owner === "object" && owner !== null) || typeof owner === "function"
    ? Reflect.get(owner, name)
    : undefined;
}

/** The methods that the kit may call, without those that end the backend. */
function methodsOf(backend: object): string[] {
  const all = [...requiredMethods, ...Object.values(capabilityMethods).flat()];
  return all.filter((name) => typeof name === "string" && typeof Reflect.get(backend, name) === "function").map(String);
}
