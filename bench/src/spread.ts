import { quantile } from "d3-array";

/** The median of what was measured, and the limits of its inner half (the quartiles). */
export interface Spread {
  median: number;
  low: number;
  high: number;
  count: number;
}

/** Throws if nothing was measured. */
export function spreadOf(samples: readonly number[]): Spread {
  const [low, median, high] = [0.25, 0.5, 0.75].map((share) => quantile(samples, share));
  if (low === undefined || median === undefined || high === undefined) throw new Error("Nothing was measured.");
  return { median, low, high, count: samples.length };
}

/** What was measured in each round; `null`: the cell was left out of that round. */
export type Rounds = readonly (number | null)[];

/**
 * The ratio of the first to the second, taken round by round, so that what slows down both does not count. `undefined`
 * if they have no round in common.
 */
export function ratioOf(of: Rounds, to: Rounds): Spread | undefined {
  const ratios = of.flatMap((value, round) => {
    const other = to[round];
    return value === null || other === null || other === undefined ? [] : [value / other];
  });
  return ratios.length === 0 ? undefined : spreadOf(ratios);
}
