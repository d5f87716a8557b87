import { arrived } from "./carried-error.ts";
import type { FileUrl } from "./elsewhere-target.ts";
import { type ElsewhereTarget, moduleUrl } from "./elsewhere-target.ts";
import type { Call, Ended, Reply, Request } from "./messages.ts";
import { type Port, startProgram } from "./port.ts";

/** How long the other process may take to open its backend, in ms. Its imports take most of it. */
const OPEN_MS = 60_000;

/** How long it may take for the calls of one request, in ms. */
const CALLS_MS = 60_000;

/** How long it may take to close its backend, in ms. */
const CLOSE_MS = 30_000;

/** How long the system may take to end a killed process, in ms. */
const KILL_MS = 10_000;

/** When the calls of a request are made, and who learns of each. */
export interface PerformOptions {
  /** When the first call is made, by the clock of `moment`. Default: at once. */
  readonly at?: number;
  /** The ms between the beginnings of two calls, at least. Default 0. */
  readonly spacing?: number;
  /** Called at the end of each call. Default: all ends come after the last call. */
  readonly onEnd?: (ended: Ended) => void;
}

/** A request without its number. */
type Asked<R = Request> = R extends Request ? Omit<R, "id"> : never;

/** Another process, or a thread, with a backend on the store. It is killed if it does not answer in time. */
export class OtherProcess {
  readonly #port: Port;
  readonly #listeners = new Map<number, (reply: Reply) => void>();
  #requests = 0;
  #methods: readonly string[] = [];
  #isKilled = false;

  private constructor(target: ElsewhereTarget) {
    this.#port = startProgram(target, (reply) => this.#listeners.get(reply.id)?.(reply));
  }

  /** Starts it, and opens a backend there. `module` is the one that it imports. */
  static async open(
    target: ElsewhereTarget,
    module: string | FileUrl,
    args: readonly unknown[],
  ): Promise<OtherProcess> {
    const other = new OtherProcess(target);
    try {
      await other.#ask({ ask: "open", module: moduleUrl(module), args }, "open its backend", OPEN_MS, (reply) => {
        if (reply.about === "opened") other.#methods = reply.methods;
        return true;
      });
    } catch (error) {
      await other.kill();
      throw error;
    }
    return other;
  }

  /** The methods that its backend has, without those of `lifecycle`. */
  get methods(): readonly string[] {
    return this.#methods;
  }

  /** Makes the calls there, one after the other. Resolves to how each of them ended. */
  async perform(calls: readonly Call[], { at = 0, spacing = 0, onEnd }: PerformOptions = {}): Promise<Ended[]> {
    const all: Ended[] = [];
    if (calls.length === 0) return all;
    const request = { ask: "perform", calls, at, spacing, eachAtOnce: onEnd !== undefined } as const;
    const names = [...new Set(calls.map(({ method }) => method))].join(", ");
    await this.#ask(request, `answer to ${names}`, CALLS_MS, (reply) => {
      if (reply.about !== "ended") return true;
      for (const one of reply.ended) {
        const ended = one.error === undefined ? one : { ...one, error: arrived(one.error) };
        all.push(ended);
        onEnd?.(ended);
      }
      return all.length === calls.length;
    });
    return all;
  }

  /** Closes its backend, and ends it. Does nothing after `kill`. */
  async close(): Promise<void> {
    if (this.#isKilled) return;
    try {
      await this.#ask({ ask: "close" }, "close its backend", CLOSE_MS, () => true);
    } finally {
      await this.kill();
    }
  }

  /** Ends it at once, whatever it does. Resolves when it has ended. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    this.#port.kill();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, KILL_MS);
    });
    await Promise.race([this.#port.ended, late]);
    clearTimeout(timer);
  }

  /** `onReply` says whether the reply was the last one. */
  async #ask(asked: Asked, doing: string, limitMs: number, onReply: (reply: Reply) => boolean): Promise<void> {
    const id = this.#requests++;
    let timer: NodeJS.Timeout | undefined;
    const answered = new Promise<void>((resolve, reject) => {
      this.#listeners.set(id, (reply) => {
        if (reply.about === "problem") reject(this.#failure(`could not ${doing}: ${reply.problem}`));
        else if (onReply(reply)) resolve();
      });
      timer = setTimeout(() => {
        reject(this.#failure(`did not ${doing} within ${limitMs / 1_000} s`));
        this.#port.kill();
      }, limitMs);
    });
    const gone = this.#port.ended.then((how) => {
      throw this.#failure(`${how}, and did not ${doing}`);
    });
    try {
      this.#port.send({ ...asked, id });
      await Promise.race([answered, gone]);
    } finally {
      clearTimeout(timer);
      this.#listeners.delete(id);
    }
  }

  #failure(problem: string): Error {
    const output = this.#port.output();
    return new Error(`The other process ${problem}.${output === "" ? "" : ` The end of its output:\n${output}`}`);
  }
}
