import { quantile } from "d3-array";

/** The middle of what was measured, and where its inner half lies. */
export interface Spread {
  median: number;
  low: number;
  high: number;
  count: number;
}

/** Throws where nothing was measured. */
export function spreadOf(samples: readonly number[]): Spread {
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(samples, share));
  if (low === undefined || median === undefined || high === undefined) throw new Error("Nothing was measured.");
  return { median, low, high, count: samples.length };
}

/** What was measured in each round; `null`: it was left out of that one. */
export type Rounds = readonly (number | null)[];

/** How many times the one is the other, round by round: what slows down both does not count. `undefined`: they have no round in common. */
export function ratioOf(of: Rounds, to: Rounds): Spread | undefined {
  const ratios = of.flatMap((value, round) => {
    const other = to[round];
    return value === null || other === null || other === undefined ? [] : [value / other];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}
