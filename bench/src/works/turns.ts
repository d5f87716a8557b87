import { type Counts, startProxy } from "@deep-agent/test-redis";
import type { Child } from "../child.ts";
import { entryOf, type Name, names } from "../contenders/catalogue.ts";
import { type Cell, copiesFor, fillAll, interleave, type Measured, refill } from "../interleave.ts";
import type { Plan } from "../plan.ts";
import type { Company, Stage } from "../stage.ts";
import { measurePart, type PartCost } from "./parts.ts";

/** What one turn costs in a conversation of `length` messages. */
export interface TurnCost extends Measured {
  name: Name;
  length: number;
  /** Bytes to the store: on the socket, or by system calls that write. Absent if they were not counted. */
  written?: number;
  /** Bytes from the store, counted in the same way. */
  read?: number;
  /** Commands on the socket. Absent for files. */
  commands?: number;
}

export interface Turns {
  costs: TurnCost[];
  /** Contenders that could not take part, and why. */
  absent: Record<string, string>;
}

/** How many turns are counted together. In conversations of over 10,000 messages it is one. */
const COUNTED = 4;

/**
 * Measures turns of a process that keeps nothing of the conversation: load the newest 20 messages, store two. Also
 * measures the parts of a turn, with the same processes.
 */
export async function measureTurns(
  stage: Stage,
  { children, absent }: Company,
  plan: Plan,
): Promise<{ turns: Turns; parts: PartCost[] }> {
  const { lengths, longestRewritten, turns: pace } = plan;
  const cells: Cell[] = [];
  for (const length of lengths) {
    for (const child of children) {
      const { group, isSingle } = entryOf(child.name);
      if (length > longestRewritten && (group === "peer" || group === "rewriting")) continue;
      // Each of its conversations gets a process with a file of its own.
      const isFirst = length === lengths[0];
      const own = isSingle && !isFirst ? await stage.child(child.name) : child;
      const copies = isSingle ? 1 : copiesFor(length, pace);
      const conversations = Array.from({ length: copies }, (_, copy) => `long-${length}-${copy}`);
      cells.push({ child: own, work: "turn", conversations, length });
    }
  }
  await fillAll(cells);
  // Reads come first, while all conversations still have the same length. The floor for files cannot read.
  const long = cells.filter(({ length }) => length === plan.long);
  const readers = long.filter(({ child }) => child.name !== "floor-file");
  const reading = [await measurePart("window", readers, plan), await measurePart("load", readers, plan)].flat();
  const measured = await interleave(cells, pace);
  const costs: TurnCost[] = [];
  const counts = await Promise.all(
    names.map((name) => {
      const own = cells.filter(({ child }) => child.name === name);
      return countTurns(stage, name, own);
    }),
  );
  for (const [place, cell] of cells.entries()) {
    const found = measured[place];
    const { child, length } = cell;
    if (found !== undefined)
      costs.push({ name: child.name, length, ...found, ...counts[names.indexOf(child.name)]?.get(cell) });
  }
  return { turns: { costs, absent }, parts: [...(await measurePart("append", long, plan)), ...reading] };
}

type Counted = Pick<TurnCost, "written" | "read" | "commands">;

/** Counts apart from the measured turns, because counting takes time. All contenders run at once: nothing is timed. */
async function countTurns(stage: Stage, name: Name, cells: readonly Cell[]): Promise<Map<Cell, Counted>> {
  const counts = new Map<Cell, Counted>();
  const { store } = entryOf(name);
  if (store === "memory" || cells.length === 0) return counts;
  for (const cell of cells) await refill(cell);
  if (store === "file") {
    for (const cell of cells) {
      const { child, conversations } = cell;
      const transferred = await child.costs({ work: "turn", conversations, times: timesFor(cell) });
      if (transferred !== undefined)
        counts.set(cell, { written: transferred["wchar"] ?? 0, read: transferred["rchar"] ?? 0 });
    }
    return counts;
  }
  await using proxy = await startProxy(stage.redis);
  await using counted = await stage.child(name, { url: `redis://${proxy.addr}` });
  for (const cell of cells) {
    const times = timesFor(cell);
    const [conversation = ""] = cell.conversations;
    // The first turn sends the greeting and what is asked only once: count after it.
    await turn(counted, conversation);
    proxy.resetCounts();
    for (let time = 0; time < times; time++) await turn(counted, conversation);
    const { sent, received, commands }: Counts = proxy.counts;
    const all = Object.values(commands).reduce((sum, count) => sum + count, 0);
    counts.set(cell, { written: sent / times, read: received / times, commands: all / times });
  }
  return counts;
}

function timesFor({ length }: Cell): number {
  return length > 10_000 ? 1 : COUNTED;
}

async function turn(child: Child, conversation: string): Promise<void> {
  await child.slice({ work: "turn", conversations: [conversation], times: 1, budget: 0 });
}
