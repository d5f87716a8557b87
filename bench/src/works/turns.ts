import { type Counts, startProxy } from "@deep-agent/test-redis";
import type { Child } from "../child.ts";
import { entryOf, type Name, names } from "../contenders/catalogue.ts";
import { type Cell, interleave, type Measured } from "../interleave.ts";
import type { Plan } from "../plan.ts";
import { Stage } from "../stage.ts";
import { measureParts, type PartCost } from "./parts.ts";

/** What one turn costs in a conversation of so many messages. */
export interface TurnCost extends Measured {
  name: Name;
  length: number;
  /** Bytes to the store and from it: on the socket, or by calls of the system that read and write. */
  written?: number;
  read?: number;
  /** On the socket. */
  commands?: number;
}

export interface Turns {
  costs: TurnCost[];
  /** Who could not take part, and why. */
  absent: Record<string, string>;
}

/** Turns that are counted at once; in conversations of over 10,000 messages, one. */
const COUNTED = 4;

/** One turn, as a process makes it that has just started: load the newest 20 messages, store two. And the parts of it, by the same processes. */
export async function measureTurns(plan: Plan): Promise<{ turns: Turns; parts: PartCost[] }> {
  const { lengths, longestRewritten, turns: pace } = plan;
  await using stage = await Stage.set();
  const { children, absent } = await stage.children(names);
  const cells: Cell[] = [];
  for (const length of lengths) {
    for (const child of children) {
      const { group, isSingle } = entryOf(child.name);
      if (length > longestRewritten && (group === "peer" || group === "rewriting")) continue;
      // Each of its conversations is in a file of its own process.
      const isFirst = length === lengths[0];
      const own = isSingle && !isFirst ? await stage.child(child.name) : child;
      const cell: Cell = { child: own, work: "turn", conversation: `long-${length}`, length };
      await own.fill(cell.conversation, length);
      cells.push(cell);
    }
  }
  const measured = await interleave(cells, pace);
  const costs: TurnCost[] = [];
  for (const [place, cell] of cells.entries()) {
    const found = measured[place];
    if (found === undefined) continue;
    costs.push({ name: cell.child.name, length: cell.length, ...found, ...(await countTurns(stage, cell)) });
  }
  const long = cells.filter(({ length }) => length === plan.long);
  return { turns: { costs, absent }, parts: await measureParts(long, plan) };
}

/** What is counted is counted apart: counting takes time. */
async function countTurns(
  stage: Stage,
  { child, conversation, length }: Cell,
): Promise<Partial<Pick<TurnCost, "written" | "read" | "commands">>> {
  const times = length > 10_000 ? 1 : COUNTED;
  const { store } = entryOf(child.name);
  if (store === "memory") return {};
  if (store === "file") {
    const transferred = await child.costs({ work: "turn", conversation, times });
    if (transferred === undefined) return {};
    return { written: transferred["wchar"] ?? 0, read: transferred["rchar"] ?? 0 };
  }
  await using proxy = await startProxy(stage.redis);
  await using counted = await stage.child(child.name, { url: `redis://${proxy.addr}` });
  // Behind its greeting, and what it asks once.
  await turn(counted, conversation);
  proxy.resetCounts();
  for (let time = 0; time < times; time++) await turn(counted, conversation);
  const { sent, received, commands }: Counts = proxy.counts;
  const all = Object.values(commands).reduce((sum, count) => sum + count, 0);
  return { written: sent / times, read: received / times, commands: all / times };
}

async function turn(child: Child, conversation: string): Promise<void> {
  await child.slice({ work: "turn", conversation, times: 1, budget: 0 });
}
