import { readFile } from "node:fs/promises";
import type { Answer, Costs, Job, Loop, Slice } from "./child.ts";
import { entryOf } from "./contenders/catalogue.ts";
import type { Contender } from "./contenders/contender.ts";
import { messagesOf, turnOf } from "./contenders/messages.ts";

/* The process of one contender: does the jobs that it is sent, and answers how long they took. */

let contender: Contender;
/** Numbers the turns that are stored, so that no two are equal. */
let number = 1_000_000;

async function work(job: Job): Promise<unknown> {
  switch (job.do) {
    case "open":
      contender = await entryOf(job.name).open(job.place);
      return undefined;
    case "fill":
      return contender.fill(job.conversation, messagesOf(job.length));
    case "drop":
      return contender.drop(job.conversation);
    case "slice":
      return slice(job);
    case "loop":
      return loop(job);
    case "costs":
      return costs(job);
    case "close":
      await contender.close();
      process.disconnect();
      return undefined;
  }
}

/** One call of the kind that is measured. */
function call(work: Slice["work"], conversation: string): Promise<unknown> {
  const method = contender[work];
  if (method === undefined) throw new Error(`This contender has no ${work}.`);
  return method.call(contender, conversation, turnOf(number++));
}

/** Calls one after the other. Young garbage of the last slice is collected first, so that this slice does not pay. */
async function slice({ work, conversations, times, budget, ahead = 0 }: Slice): Promise<Costs> {
  globalThis.gc?.({ type: "minor" });
  for (let time = 0; time < ahead; time++) await call(work, conversations.at(-1 - (time % conversations.length)) ?? "");
  const samples: number[] = [];
  let result: unknown;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  while (samples.length < times && (samples.length === 0 || performance.now() - begun < budget)) {
    const started = performance.now();
    result = await call(work, conversations[samples.length % conversations.length] ?? "");
    samples.push(performance.now() - started);
  }
  const { user, system } = process.cpuUsage(cpu);
  const found = Array.isArray(result) ? result.length : null;
  return { samples, cpu: (user + system) / 1_000 / samples.length, found };
}

/**
 * Calls for `inFlight` conversations at once, one after the other in each, until the time is up. Returns the number of
 * calls a second.
 */
async function loop({ work, conversations, inFlight, forMs }: Loop): Promise<number> {
  globalThis.gc?.({ type: "minor" });
  let done = 0;
  const started = performance.now();
  const end = started + forMs;
  const one = async (place: number): Promise<void> => {
    while (performance.now() < end) {
      await call(work, `${conversations}-${place}`);
      done++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, place) => one(place)));
  return (done * 1_000) / (performance.now() - started);
}

/**
 * The bytes that one call reads and writes through system calls, sockets included. `undefined` if the system does not
 * count them.
 */
async function costs({
  work,
  conversations,
  times,
}: Omit<Slice, "budget">): Promise<Record<string, number> | undefined> {
  const before = await transferred();
  for (let time = 0; time < times; time++) await call(work, conversations[0] ?? "");
  const after = await transferred();
  if (before === undefined || after === undefined) return undefined;
  // Reading the counters transfers bytes, too: subtract them.
  const again = await transferred();
  const names = Object.keys(before);
  const of = (name: string): number => {
    const asking = (again?.[name] ?? 0) - (after[name] ?? 0);
    return ((after[name] ?? 0) - (before[name] ?? 0) - asking) / times;
  };
  return Object.fromEntries(names.map((name) => [name, of(name)]));
}

async function transferred(): Promise<Record<string, number> | undefined> {
  if (process.platform !== "linux") return undefined;
  const lines = (await readFile("/proc/self/io", "utf8")).trim().split("\n");
  return Object.fromEntries(lines.map((line) => line.split(": ")).map(([name = "", value]) => [name, Number(value)]));
}

// The main process has ended.
process.on("disconnect", () => process.exit());

process.on("message", async (job: Job & { id: number }) => {
  let answer: Answer;
  try {
    answer = { id: job.id, result: await work(job) };
  } catch (error) {
    answer = { id: job.id, failure: error instanceof Error ? error.message : String(error) };
  }
  if (process.connected) process.send?.(answer);
});
