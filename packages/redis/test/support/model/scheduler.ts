import { AsyncLocalStorage } from "node:async_hooks";
import type { Random } from "./random.ts";

/** A sequence of steps, which are taken one by one. It may be frozen for a long time. */
export class Lane {
  readonly name: string;
  /** The time before which it takes no step. */
  frozenUntil = 0;

  constructor(name: string) {
    this.name = name;
  }
}

interface Pending {
  lane: Lane;
  name: string;
  take(): Promise<void>;
}

/** The lane of the running code. */
const current = new AsyncLocalStorage<{ scheduler: Scheduler; lane: Lane }>();

/** How much logical time passes with a step, in ms. */
export const STEP_MS = 10;

/** Stands in for a timer: on a lane, time passes by the steps of other lanes. */
export async function pause(ms: number): Promise<void> {
  await current.getStore()?.scheduler.wait(ms);
}

const MAX_STEPS = 20_000;

/**
 * Decides which lane goes on. Code that reaches outside its own memory calls {@link step}, and waits until it is
 * chosen. Between two steps, every lane runs until all lanes wait. So the seed alone decides what happens, and in
 * which order.
 */
export class Scheduler {
  /** Grows by one with each step, and by more if all lanes are frozen. */
  time = 0;
  /** How many steps were taken. */
  steps = 0;
  readonly trace: string[] = [];
  readonly #random: Random;
  readonly #stickiness: number;
  #pending: Pending[] = [];
  #last: Lane | undefined;

  constructor(random: Random) {
    this.#random = random;
    this.#stickiness = random.pick([0, 0, 0.5, 0.9]);
  }

  get lane(): Lane | undefined {
    return current.getStore()?.lane;
  }

  /** Runs `task` on a lane. */
  run<T>(lane: Lane, task: () => Promise<T>): Promise<T> {
    return current.run({ scheduler: this, lane }, task);
  }

  /** Waits to be chosen, then calls `perform`. */
  step<T>(name: string, perform: () => Promise<T> | T): Promise<T> {
    const lane = this.lane;
    if (lane === undefined) throw new Error(`The step "${name}" is taken outside of all lanes.`);
    return new Promise<T>((resolve, reject) => {
      const take = async (): Promise<void> => {
        try {
          resolve(await perform());
        } catch (error) {
          reject(error);
        }
      };
      this.#pending.push({ lane, name, take });
    });
  }

  /** Lets that much time pass. */
  async wait(ms: number): Promise<void> {
    const { lane } = this;
    if (lane === undefined) return;
    lane.frozenUntil = Math.max(lane.frozenUntil, this.time + Math.ceil(ms / STEP_MS));
    await this.step("has waited", () => {});
  }

  note(text: string): void {
    this.trace.push(`${String(this.time).padStart(5)}  ${text}`);
  }

  /** Lets lanes go on until none of them waits any more. */
  async drain(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (this.#pending.length === 0) return;
      const chosen = this.#choose();
      this.#pending.splice(this.#pending.indexOf(chosen), 1);
      this.#last = chosen.lane;
      this.time = Math.max(this.time + 1, chosen.lane.frozenUntil);
      this.steps += 1;
      if (this.steps > MAX_STEPS) throw new Error("The schedule does not end.");
      this.note(`${chosen.lane.name}: ${chosen.name}`);
      await chosen.take();
    }
  }

  #choose(): Pending {
    const awake = this.#pending.filter(({ lane }) => lane.frozenUntil <= this.time);
    if (awake.length === 0) {
      // All lanes are frozen: time jumps to the end of the first freeze.
      return this.#pending.reduce((first, other) => (other.lane.frozenUntil < first.lane.frozenUntil ? other : first));
    }
    const again = awake.filter(({ lane }) => lane === this.#last);
    return this.#random.pick(again.length > 0 && this.#random.chance(this.#stickiness) ? again : awake);
  }
}
