import { median, shuffle } from "d3-array";
import type { Child, Costs } from "./child.ts";
import { entryOf } from "./contenders/catalogue.ts";
import { WINDOW, type Work } from "./contenders/contender.ts";
import { type Rounds, type Spread, spreadOf } from "./spread.ts";

/** One thing to be measured: of one contender, one call on conversations of one length. */
export interface Cell {
  child: Child;
  work: Work;
  /** Filled. More than one where turns would make one longer by too much. */
  conversations: readonly string[];
  /** In messages. */
  length: number;
  /** How much each call has to bring, of what loads or lists. */
  brings?: number;
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

/** Conversations up to this length are made anew for each round: the turns of all rounds would make them longer by too much. */
const SHORT = 1_000;

/** By which share turns may make a conversation longer before it is made anew; by one turn, whatever that is. */
const GROWTH = 0.05;

/** How often each is called before anything counts. */
const WARM_UP = 2;
/** A call that takes longer, in ms, is made once, and that counts. */
const LONG = 1_000;

/**
 * How many calls ahead of each slice do not count: what was done last, such as filling, is not to be what makes a difference. To calls that take
 * longer, in ms, it makes none.
 */
const AHEAD = 3;
const AHEAD_LIMIT = 10;

/** Of how many conversations the turns of a slice are, so that none becomes too long. */
export function copiesFor(length: number, { times }: Pace): number {
  return length > SHORT ? 1 : Math.ceil(times / turnsFor(length));
}

function turnsFor(length: number): number {
  return Math.max(1, Math.floor((length * GROWTH) / 2));
}

/**
 * Measures all cells side by side: each round measures each, in an order of its own, so that what comes and goes on this machine comes and goes for all of
 * them. Before that each is called twice, and checked: it must bring what it is to bring, and show the turns that it has stored.
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

/** Fills the conversations of all cells, of several contenders at once, since that is not timed. */
export async function fillAll(cells: readonly Cell[]): Promise<void> {
  const children = new Set(cells.map(({ child }) => child));
  const fillings = [...children].map(async (child) => {
    for (const { conversations, length } of cells.filter((cell) => cell.child === child)) {
      for (const conversation of conversations) await child.fill(conversation, length);
    }
  });
  await Promise.all(fillings);
}

/** Makes short conversations anew. */
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
  // What a file's floor has written nobody reads.
  if ((work !== "turn" && work !== "append") || child.name === "floor-file") return costs;
  const window = await child.slice({ work: "window", conversations: [conversation], times: 1, budget: 0 });
  check(cell, window.found, Math.min(WINDOW, length + 2 * samples.length));
  return costs;
}

function check({ child, work, length }: Cell, found: number | null, expected: number | undefined): void {
  if (expected === undefined || found === expected) return;
  const what = `${entryOf(child.name).title}: ${work} at ${length}`;
  throw new Error(`${what} brought ${found}, where it is to bring ${expected}.`);
}
