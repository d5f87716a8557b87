import { AsyncLocalStorage } from "node:async_hooks";
import type { Random } from "./random.ts";

/** A process of the model: all its lanes die together. */
export interface SimulatedProcess {
  readonly name: string;
  alive: boolean;
}

/** A call in flight. Its steps are taken one by one, perhaps only after a long time, perhaps never. */
export class Lane {
  readonly name: string;
  readonly process: SimulatedProcess;
  /** The lane takes no step before this time. */
  frozenUntil = 0;

  constructor(name: string, process: SimulatedProcess) {
    this.name = name;
    this.process = process;
  }
}

interface Pending {
  lane: Lane;
  name: string;
  take(): Promise<void>;
}

/** The lane of the running code. */
const current = new AsyncLocalStorage<{ scheduler: Scheduler; lane: Lane }>();

/** Replaces a timer: on a lane, time passes with the steps of others. */
export async function pause(): Promise<void> {
  await current.getStore()?.scheduler.wait();
}

/** In steps. */
const PAUSES = [10, 100, 400];
const MAX_STEPS = 20_000;

/**
 * Decides which lane goes on. Code that uses anything outside its own RAM calls {@link step}, and waits until it is
 * chosen. Between two steps all lanes run until every one waits. So only the seed decides what happens, and in which
 * order.
 */
export class Scheduler {
  /** How many steps were taken. */
  time = 0;
  readonly trace: string[] = [];
  readonly #random: Random;
  readonly #stickiness: number;
  #pending: Pending[] = [];
  #last: Lane | undefined;
  /** How many tasks of {@link withoutStep} are running. */
  #withoutStep = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#stickiness = random.pick([0, 0, 0.5, 0.9]);
  }

  get lane(): Lane | undefined {
    return current.getStore()?.lane;
  }

  /** Runs `task` on this lane. */
  run<T>(lane: Lane, task: () => Promise<T>): Promise<T> {
    return current.run({ scheduler: this, lane }, task);
  }

  /** Waits until the lane is chosen, then runs `perform`. */
  step<T>(name: string, perform: () => Promise<T> | T): Promise<T> {
    const lane = this.lane;
    if (lane === undefined) throw new Error(`The step "${name}" is taken outside of all lanes.`);
    return new Promise<T>((resolve, reject) => {
      const take = async (): Promise<void> => {
        try {
          const result = await perform();
          if (lane.process.alive) resolve(result);
        } catch (error) {
          reject(error);
        }
      };
      this.#pending.push({ lane, name, take });
    });
  }

  /** Awaits a task whose time makes no difference to other lanes. No step is taken meanwhile. */
  async withoutStep<T>(task: Promise<T>): Promise<T> {
    this.#withoutStep += 1;
    try {
      return await task;
    } finally {
      this.#withoutStep -= 1;
    }
  }

  /** Lets others go first. */
  async wait(): Promise<void> {
    const { lane } = this;
    if (lane === undefined) return;
    lane.frozenUntil = Math.max(lane.frozenUntil, this.time + this.#random.below(this.#random.pick(PAUSES)));
    await this.step("waits a little", () => {});
  }

  note(text: string): void {
    this.trace.push(`${String(this.time).padStart(5)}  ${text}`);
  }

  /**
   * Takes steps until no lane waits any more. `between` is called before each step, and answers whether it began
   * anything.
   */
  async drain(between: () => boolean = () => false): Promise<void> {
    for (;;) {
      do await new Promise((resolve) => setImmediate(resolve));
      while (this.#withoutStep > 0 || between());
      this.#pending = this.#pending.filter(({ lane }) => lane.process.alive);
      if (this.#pending.length === 0) return;
      const chosen = this.#choose();
      this.#pending.splice(this.#pending.indexOf(chosen), 1);
      this.#last = chosen.lane;
      this.time += 1;
      if (this.time > MAX_STEPS) throw new Error("The schedule does not end.");
      this.note(`${chosen.lane.name}: ${chosen.name}`);
      await chosen.take();
    }
  }

  #choose(): Pending {
    const awake = this.#pending.filter(({ lane }) => lane.frozenUntil <= this.time);
    if (awake.length === 0) {
      // No other lane can take a step, so the one that wakes up first is chosen.
      return this.#pending.reduce((first, other) => (other.lane.frozenUntil < first.lane.frozenUntil ? other : first));
    }
    const again = awake.filter(({ lane }) => lane === this.#last);
    return this.#random.pick(again.length > 0 && this.#random.chance(this.#stickiness) ? again : awake);
  }
}
