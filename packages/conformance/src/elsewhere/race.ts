import { broken, named } from "../expectations.ts";
import type { Stage } from "../stage.ts";
import { moment } from "./clock.ts";
import type { Elsewhere } from "./elsewhere.ts";
import { type Call, type Ended, isRejected } from "./messages.ts";
import { perform } from "./perform.ts";

/**
 * How many pairs of calls must overlap. If a fault shows in one of ten such pairs only, the probability to miss it is
 * 0.9 to the 60th: 0.2 %. A read and a later write without a lock between processes shows in every third or so.
 */
const OVERLAPS = 60;

/** How many pairs a round has. */
const PAIRS = 8;

/** How long a race may take, in ms. A store that is too slow for all rounds is tried less, and a remark says so. */
const RACE_MS = 10_000;

/** How long after its request a round begins, in ms: the other process must have got the request by then. */
const LEAD_MS = 2;
const MAX_LEAD_MS = 50;

/** The time between the pairs of a round, in ms, at least and at most. */
const MIN_SPACING_MS = 1;
const MAX_SPACING_MS = 100;

/** A call of each process, made at the same moment. */
export interface Pair {
  readonly here: Call;
  readonly there: Call;
  /** Checks how they ended, and what is stored. */
  check(here: Ended, there: Ended): Promise<void>;
}

/**
 * Lets each process make its call of a pair at the same moment, for as many pairs as it takes until enough of them have
 * overlapped. Pairs whose numbers differ by less than {@link PAIRS} must be about different memories.
 */
export async function racePairs(
  stage: Stage,
  there: Elsewhere,
  pair: (n: number) => Pair | Promise<Pair>,
): Promise<void> {
  let spacing = MIN_SPACING_MS;
  await race(stage, OVERLAPS, async (round, lead) => {
    const pairs: Pair[] = [];
    for (let n = 0; n < PAIRS; n++) pairs.push(await pair(round * PAIRS + n));
    const at = moment() + lead;
    const calls = pairs.map((one) => one.there);
    const [own, theirs] = await Promise.all([
      perform(
        stage.backend,
        pairs.map((one) => one.here),
        at,
        spacing,
      ),
      there.perform(calls, { at, spacing }),
    ]);
    let overlapped = 0;
    let longest = 0;
    for (const [index, { check }] of pairs.entries()) {
      const [one, other] = [own[index], theirs[index]];
      if (one === undefined || other === undefined) throw new Error("A call of a round has no end.");
      if (overlap(one, other)) overlapped += 1;
      longest = Math.max(longest, one.to - one.from, other.to - other.from);
      await check(one, other);
    }
    // So that both have finished with a pair before the next one.
    spacing = Math.min(Math.max(MIN_SPACING_MS, 1.5 * longest), MAX_SPACING_MS);
    return overlapped;
  });
}

/** The calls of one round. Each process makes its own ones one after the other, as fast as it can. */
export interface Burst {
  readonly here: readonly Call[];
  readonly there: readonly Call[];
  /** Checks how they ended, and what is stored. */
  check(here: readonly Ended[], there: readonly Ended[]): Promise<void>;
}

/**
 * Lets both processes make their calls from the same moment on, in as many rounds as it takes until enough calls of
 * this process have overlapped with some of the other one.
 */
export async function raceBursts(
  stage: Stage,
  there: Elsewhere,
  burst: (round: number) => Burst,
  overlaps: number = OVERLAPS,
): Promise<void> {
  await race(stage, overlaps, async (round, lead) => {
    const { here, there: others, check } = burst(round);
    const at = moment() + lead;
    const [own, theirs] = await Promise.all([perform(stage.backend, here, at, 0), there.perform(others, { at })]);
    await check(own, theirs);
    return own.filter((one) => theirs.some((other) => overlap(one, other))).length;
  });
}

/** `run` resolves to how many calls have overlapped. */
async function race(
  stage: Stage,
  overlaps: number,
  run: (round: number, lead: number) => Promise<number>,
): Promise<void> {
  const end = moment() + RACE_MS;
  let found = 0;
  let lead = LEAD_MS;
  for (let round = 0; found < overlaps && moment() < end; round++) {
    const overlapped = await run(round, lead);
    // The request was late, or this process was.
    if (overlapped === 0) lead = Math.min(lead * 1.5, MAX_LEAD_MS);
    found += overlapped;
  }
  if (found < overlaps)
    stage.remark(`only ${found} of ${overlaps} calls ran at the same time as one of the other process`);
}

function overlap(one: Ended, other: Ended): boolean {
  return one.from < other.to && other.from < one.to;
}

/** The answers of calls that had to succeed. */
export function answersOf(ended: readonly Ended[], what: string): unknown[] {
  return ended.map((one) => {
    if (!isRejected(one)) return one.answer;
    return broken(`${what} rejects with ${named(one.error)}`);
  });
}
