import { median, shuffle } from "d3-array";
import type { Child, Costs } from "./child.ts";
import { entryOf } from "./contenders/catalogue.ts";
import { WINDOW, type Work } from "./contenders/contender.ts";
import { type Rounds, type Spread, spreadOf } from "./spread.ts";

/** One thing to measure: one kind of call, of one contender, on conversations of one length. */
export interface Cell {
  child: Child;
  work: Work;
  /** They must be filled. More than one if the turns would make a single one too long. */
  conversations: readonly string[];
  /** In messages. */
  length: number;
  /** How many items each call must return, if it loads or lists. */
  brings?: number;
}

/** The result of one cell. Times are ms. */
export interface Measured {
  ms: Spread;
  /** The median of each round. */
  rounds: Rounds;
  /** The processor's time for one call. */
  cpu: number;
}

export interface Pace {
  rounds: number;
  /** For how long a cell is measured in one round, in ms. A call that takes longer is made once. */
  sliceMs: number;
  /** How many calls a cell makes in one round at most. */
  times: number;
}

/** A call that takes longer than this, in ms, is measured only in every fourth round. */
const SLOW = 150;
const SLOW_EVERY = 4;

/**
 * In messages. Conversations up to this length are made again for each round: the turns of all rounds would make them
 * too long.
 */
const SHORT = 1_000;

/**
 * The share by which turns may make a conversation longer before it is made again. One turn is always allowed, whatever
 * its share.
 */
const GROWTH = 0.05;

/** How often each cell is called before anything counts. */
const WARM_UP = 2;
/** A call that takes longer than this, in ms, is made once, and counts. */
const LONG = 1_000;

/** How many calls before each slice do not count: what was done last, such as filling, must make no difference. */
const AHEAD = 3;
/** For calls that take longer than this, in ms, what was done last makes no difference: they need no calls before. */
const AHEAD_LIMIT = 10;

/** Over how many conversations the turns of a slice are spread, so that none becomes too long. */
export function copiesFor(length: number, { times }: Pace): number {
  return length > SHORT ? 1 : Math.ceil(times / turnsFor(length));
}

function turnsFor(length: number): number {
  return Math.max(1, Math.floor((length * GROWTH) / 2));
}

/**
 * Measures all cells side by side. Each round measures each cell, in a new random order, so that what slows down this
 * machine for a while slows down all of them. Before that, each cell is called twice and checked: it must return the
 * expected number of items, and show the turns that it has stored.
 */
export async function interleave(cells: readonly Cell[], { rounds, sliceMs, times }: Pace): Promise<Measured[]> {
  const results = [];
  for (const cell of cells) {
    const { samples, cpu } = await warmUp(cell);
    const [first = 0] = samples;
    const isLong = first > LONG;
    const counted = { samples: [] as number[], rounds: [] as (number | null)[], cpu: [] as number[] };
    results.push({ cell, first, isLong, ...(isLong ? { samples: [first], rounds: [first], cpu: [cpu] } : counted) });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { cell, first, isLong, ...result } of shuffle([...results])) {
      if (isLong) continue;
      const typical = median(result.samples) ?? first;
      const isSlow = typical > SLOW;
      if (isSlow && round % SLOW_EVERY !== 0) {
        result.rounds.push(null);
        continue;
      }
      const { child, work, conversations, length, brings } = cell;
      const isShort = (work === "turn" || work === "append") && length <= SHORT;
      if (isShort) await refill(cell);
      const most = isShort ? Math.min(times, turnsFor(length) * conversations.length) : times;
      const ahead = typical > AHEAD_LIMIT ? 0 : AHEAD;
      const { samples, cpu, found } = await child.slice({ work, conversations, ahead, times: most, budget: sliceMs });
      check(cell, found, brings);
      result.samples.push(...samples);
      result.rounds.push(median(samples) ?? null);
      result.cpu.push(cpu);
    }
  }
  return results.map(({ samples, rounds, cpu }) => ({ ms: spreadOf(samples), rounds, cpu: median(cpu) ?? 0 }));
}

/** Fills the conversations of all cells, for all contenders at once, because filling is not timed. */
export async function fillAll(cells: readonly Cell[]): Promise<void> {
  const children = new Set(cells.map(({ child }) => child));
  const fillings = [...children].map(async (child) => {
    for (const { conversations, length } of cells.filter((cell) => cell.child === child)) {
      for (const conversation of conversations) await child.fill(conversation, length);
    }
  });
  await Promise.all(fillings);
}

/** Makes short conversations again. */
export async function refill({ child, conversations, length }: Cell): Promise<void> {
  if (length > SHORT) return;
  for (const conversation of conversations) {
    await child.drop(conversation);
    await child.fill(conversation, length);
  }
}

async function warmUp(cell: Cell): Promise<Costs> {
  const { child, work, conversations, length, brings } = cell;
  const [conversation = ""] = conversations;
  const calls = { work, conversations: [conversation], times: WARM_UP, budget: LONG };
  const costs = await child.slice(calls);
  const { found, samples } = costs;
  check(cell, found, brings);
  // The floor for files cannot read what it has written.
  if ((work !== "turn" && work !== "append") || child.name === "floor-file") return costs;
  const window = await child.slice({ work: "window", conversations: [conversation], times: 1, budget: 0 });
  check(cell, window.found, Math.min(WINDOW, length + 2 * samples.length));
  return costs;
}

function check({ child, work, length }: Cell, found: number | null, expected: number | undefined): void {
  if (expected === undefined || found === expected) return;
  const what = `${entryOf(child.name).title}: ${work} at ${length}`;
  throw new Error(`${what} returned ${found} items, not ${expected}.`);
}
