import type { Random } from "../random.ts";
import type { Assignment } from "./assignment.ts";
import { turnOf, usualSize } from "./turns.ts";
import type { WriterProcess } from "./writer-process.ts";

/** How often a life of a writer has a large turn, and among how many of its first ones. */
const LARGE_CHANCE = 0.2;
const LARGE_WITHIN = 3;

/** How the lives of a writer are. */
export interface Way {
  /** How many bytes a large turn has, at least and at most. */
  large: readonly [least: number, most: number];
  /** As in {@link Assignment}. */
  pauseMs: number;
}

/** The turns of one writer, through all of its lives. */
export class Series {
  readonly name: string;
  readonly acknowledged: number[] = [];
  readonly #large = new Map<number, number>();
  #next = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** What the next life is to write: it goes on numbering behind the turn that the last one tried last. */
  assign(random: Random, { large: [least, most], pauseMs }: Way): Assignment {
    const turn = this.#next + random.below(LARGE_WITHIN);
    const bytes = random.between(least, most);
    const large = random.chance(LARGE_CHANCE) ? { turn, bytes } : null;
    if (large !== null) this.#large.set(turn, bytes);
    return { series: this.name, from: this.#next, large, pauseMs };
  }

  /** A life has ended. */
  record({ tried, acknowledged, assignment }: WriterProcess): void {
    this.acknowledged.push(...acknowledged);
    this.#next = (tried.at(-1) ?? this.#next - 1) + 1;
    const { turn = 0 } = assignment?.large ?? {};
    // A later life that gets to that number has a plan of its own.
    if (turn >= this.#next) this.#large.delete(turn);
  }

  /** Whether it was sent, be it acknowledged or not. */
  wasTried(turn: number): boolean {
    return turn >= 0 && turn < this.#next;
  }

  /** The turn's messages as they were sent, in JSON. */
  sent(turn: number): string[] {
    return turnOf(this.name, turn, this.#large.get(turn) ?? usualSize(turn)).map((message) => JSON.stringify(message));
  }
}
