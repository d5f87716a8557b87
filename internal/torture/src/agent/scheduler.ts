import { setImmediate as nextTick } from "node:timers/promises";
import type { Random } from "../random.ts";

interface Gate {
  label: string;
  open: () => void;
}

/** An event that may happen next. */
export interface Choice {
  label: string;
  happen: () => void;
}

/**
 * Makes one event happen at a time. Events that may come in any order (a call that reaches the store, its answer, a
 * piece of the model's text) wait at gates. When nothing moves by itself any more, a random choice opens one gate. So
 * the order depends on the seed alone, not on the clock or the network.
 */
export class Scheduler {
  readonly trace: string[] = [];
  readonly #random: Random;
  #gates: Gate[] = [];
  #busy = 0;
  #idle: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(random: Random) {
    this.#random = random;
  }

  /** The events that wait at gates. */
  get waiting(): number {
    return this.#gates.length;
  }

  /** Waits at a gate until it is chosen. Rejects with the signal's reason. */
  park(label: string, signal?: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (signal?.aborted) {
      reject(signal.reason);
      return promise;
    }
    const gate: Gate = { label, open: resolve };
    const leave = (): void => {
      this.#gates = this.#gates.filter((other) => other !== gate);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    gate.open = () => {
      signal?.removeEventListener("abort", leave);
      resolve();
    };
    this.#gates.push(gate);
    return promise;
  }

  /** Makes the scheduler wait for a task that ends by itself. */
  async busy<T>(task: PromiseLike<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await task;
    } finally {
      this.#busy -= 1;
      if (this.#busy === 0) {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      }
    }
  }

  /** Resolves when nothing moves by itself any more. */
  async quiet(): Promise<void> {
    do {
      while (this.#busy > 0) await this.#idle.promise;
      await nextTick(); // all promises that can settle have settled then
    } while (this.#busy > 0);
  }

  /** Runs until no event is left. `choices` gives the possible events besides those at the gates. */
  async run(choices: () => { must: Choice[]; may: Choice[] }): Promise<void> {
    for (;;) {
      await this.quiet();
      const { must, may } = choices();
      const gates = this.#gates.map((gate): Choice => ({ label: gate.label, happen: () => this.#open(gate) }));
      const all = must.length > 0 ? must : [...gates, ...may];
      if (all.length === 0) return;
      const { label, happen } = this.#random.pick(all);
      this.trace.push(label);
      happen();
    }
  }

  #open(gate: Gate): void {
    this.#gates = this.#gates.filter((other) => other !== gate);
    gate.open();
  }
}
