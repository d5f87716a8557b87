import type { Random } from "../random.ts";
import type { Assignment } from "./assignment.ts";
import { turnOf, usualSize } from "./turns.ts";
import type { WriterProcess } from "./writer-process.ts";

/** The probability that a life of a writer has a large turn, and among how many of its first turns that one is. */
const LARGE_CHANCE = 0.2;
const LARGE_WITHIN = 3;

/** How a writer writes. */
export interface Way {
  /** The size of a large turn, in bytes: at least and at most. */
  large: readonly [least: number, most: number];
  /** As in {@link Assignment}. */
  pauseMs: number;
}

/** The turns of one writer through all of its lives. A life is one process, until it is killed or stopped. */
export class Series {
  readonly name: string;
  readonly acknowledged: number[] = [];
  readonly #large = new Map<number, number>();
  #next = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** The assignment of the next life. Its numbers continue after the last turn that the previous life tried. */
  assign(random: Random, { large: [least, most], pauseMs }: Way): Assignment {
    const turn = this.#next + random.below(LARGE_WITHIN);
    const bytes = random.between(least, most);
    const large = random.chance(LARGE_CHANCE) ? { turn, bytes } : null;
    if (large !== null) this.#large.set(turn, bytes);
    return { series: this.name, from: this.#next, large, pauseMs };
  }

  /** Records what a life did after it has ended. */
  record({ tried, acknowledged, assignment }: WriterProcess): void {
    this.acknowledged.push(...acknowledged);
    this.#next = (tried.at(-1) ?? this.#next - 1) + 1;
    const { turn = 0 } = assignment?.large ?? {};
    // A later life that reaches this number has an assignment of its own.
    if (turn >= this.#next) this.#large.delete(turn);
  }

  /** Whether the turn was sent, acknowledged or not. */
  wasTried(turn: number): boolean {
    return turn >= 0 && turn < this.#next;
  }

  /** The turn's messages as they were sent, in JSON. */
  sent(turn: number): string[] {
    return turnOf(this.name, turn, this.#large.get(turn) ?? usualSize(turn)).map((message) => JSON.stringify(message));
  }
}
