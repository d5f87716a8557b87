import { median } from "d3-array";
import type { Child } from "./child.ts";
import type { Work } from "./contenders/contender.ts";
import { type Rounds, type Spread, spreadOf } from "./spread.ts";

/** One thing to be measured: of one contender, one call on a conversation of one length. */
export interface Cell {
  child: Child;
  work: Work;
  conversation: string;
  /** In messages. */
  length: number;
}

/** What came of it. Times are ms. */
export interface Measured {
  ms: Spread;
  /** The median of each round. */
  rounds: Rounds;
  /** The processor's time for one call. */
  cpu: number;
}

export interface Pace {
  rounds: number;
  /** How long a cell is measured in one round, in ms, at most, and how often; a call that takes longer is made once. */
  sliceMs: number;
  times: number;
}

/** A call that takes longer, in ms, is measured in each fourth round only. */
const SLOW = 150;
const SLOW_EVERY = 4;

/** Conversations up to this length are made anew for each round, since the turns stored in it would make them longer by too much. */
const SHORT = 100;

/**
 * Measures all cells side by side: each round measures each, in another order, so that what comes and goes on this machine comes and goes for all of
 * them. Conversations that are not filled are none of its business, except for short ones.
 */
export async function interleave(cells: readonly Cell[], { rounds, sliceMs, times }: Pace): Promise<Measured[]> {
  const results = cells.map(() => ({ samples: [] as number[], rounds: [] as (number | null)[], cpu: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const place of rotated(cells.length, round)) {
      const cell = cells[place];
      const result = results[place];
      if (cell === undefined || result === undefined) continue;
      const isSlow = (median(result.samples) ?? 0) > SLOW;
      if (isSlow && round % SLOW_EVERY !== 0) {
        result.rounds.push(null);
        continue;
      }
      const { child, work, conversation, length } = cell;
      const grows = work === "turn" || work === "append";
      if (grows && length <= SHORT && round > 0) {
        await child.drop(conversation);
        await child.fill(conversation, length);
      }
      const most = grows ? Math.min(times, Math.max(5, length / 10)) : times;
      const { samples, cpu } = await child.slice({ work, conversation, times: most, budget: sliceMs });
      result.samples.push(...samples);
      result.rounds.push(median(samples) ?? null);
      result.cpu.push(cpu);
    }
  }
  return results.map(({ samples, rounds, cpu }) => ({ ms: spreadOf(samples), rounds, cpu: median(cpu) ?? 0 }));
}

/** 0 to count - 1, from another one on each time. */
function rotated(count: number, by: number): number[] {
  return Array.from({ length: count }, (_, place) => (place + by) % count);
}
