import type { MemoryBackend } from "@deep-agent/core/adapter";
import type { KitRecord } from "../kit-records.ts";
import { type Recorder, recorded } from "../recorder.ts";
import type { AnyBackend } from "../target.ts";
import { type Call, type Ended, isRejected } from "./messages.ts";
import type { OtherProcess, PerformOptions } from "./other-process.ts";

/** A backend in another process, on the store of the running test. Its calls are recorded, as those of `elsewhere`. */
export class Elsewhere<B extends MemoryBackend<KitRecord> = MemoryBackend<KitRecord>> {
  /** Its methods are called in the other process. It lacks those of `lifecycle`: the kit closes it after the test. */
  readonly backend: B;
  readonly #process: OtherProcess;
  readonly #recorder: Recorder;

  constructor(process: OtherProcess, recorder: Recorder) {
    this.#process = process;
    this.#recorder = recorder;
    const remote = Object.fromEntries(process.methods.map((name) => [name, remoteMethod(process, name)]));
    // The stage has checked that it has the methods of the first backend.
    this.backend = recorded(remote as unknown as AnyBackend, recorder, "elsewhere") as unknown as B;
  }

  /** Makes the calls in the other process, one after the other. Resolves to how each of them ended. */
  async perform(calls: readonly Call[], options?: PerformOptions): Promise<Ended[]> {
    const entries = calls.map(({ method, args }) => this.#recorder.call(`elsewhere.${method}`, args));
    const all = await this.#process.perform(calls, options);
    for (const [index, ended] of all.entries()) {
      if (isRejected(ended)) entries[index]?.rejected(ended.error);
      else entries[index]?.resolved(ended.answer);
    }
    return all;
  }

  /** Ends the other process at once, whatever it does. */
  async kill(): Promise<void> {
    this.#recorder.call("elsewhere.kill", ["SIGKILL"]).resolved(undefined);
    await this.#process.kill();
  }
}

function remoteMethod(process: OtherProcess, method: string): (...args: unknown[]) => Promise<unknown> {
  return async (...args) => {
    const [ended] = await process.perform([{ method, args }]);
    if (ended !== undefined && isRejected(ended)) throw ended.error;
    return ended?.answer;
  };
}
