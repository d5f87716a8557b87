import type { Child } from "../child.ts";
import { entryOf, type Name } from "../contenders/catalogue.ts";
import { WINDOW, type Work } from "../contenders/contender.ts";
import { type Cell, interleave, type Measured } from "../interleave.ts";
import type { Plan } from "../plan.ts";

/** What a part of a turn, or a load of everything, costs in a long conversation. */
export interface PartCost extends Measured {
  name: Name;
  work: Work;
}

const parts = ["append", "window", "load"] as const;

/** The file's floor has nothing to read. */
const writesOnly: readonly Name[] = ["floor-file"];

/** `turns`: what has measured whole turns in conversations of that length, to which is appended; others are read, which those have not made longer. */
export async function measureParts(turns: readonly Cell[], { long, parts: pace }: Plan): Promise<PartCost[]> {
  const costs: PartCost[] = [];
  const filled = new Set<Child>();
  for (const work of parts) {
    const cells: Cell[] = [];
    for (const { child, conversations } of turns) {
      const [conversation = ""] = conversations;
      if (work === "append") {
        cells.push({ child, work, conversations, length: long });
        continue;
      }
      if (writesOnly.includes(child.name)) continue;
      // Where all are in one file, there is one.
      const other = entryOf(child.name).isSingle ? conversation : "read";
      if (!filled.has(child) && other !== conversation) await child.fill(other, long);
      filled.add(child);
      // One that turns are appended to has more.
      const brings = other === conversation ? {} : { brings: work === "window" ? WINDOW : long };
      cells.push({ child, work, conversations: [other], length: long, ...brings });
    }
    const measured = await interleave(cells, pace);
    for (const [place, { child }] of cells.entries()) {
      const found = measured[place];
      if (found !== undefined) costs.push({ name: child.name, work, ...found });
    }
  }
  return costs;
}
