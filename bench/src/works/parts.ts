import { entryOf, type Name, names } from "../contenders/catalogue.ts";
import type { Work } from "../contenders/contender.ts";
import { type Cell, interleave, type Measured } from "../interleave.ts";
import type { Plan } from "../plan.ts";
import { Stage } from "../stage.ts";

/** What a part of a turn, or a load of everything, costs in a long conversation. */
export interface PartCost extends Measured {
  name: Name;
  work: Work;
}

const parts = ["append", "window", "load"] as const;

/** The file's floor has nothing to read. */
const writesOnly: readonly Name[] = ["floor-file"];

export async function measureParts({ long, parts: pace }: Plan): Promise<PartCost[]> {
  await using stage = await Stage.set();
  const { children } = await stage.children(names);
  const costs: PartCost[] = [];
  const filled = new Set<string>();
  for (const work of parts) {
    const cells: Cell[] = [];
    for (const child of children) {
      if (work !== "append" && writesOnly.includes(child.name)) continue;
      // What is appended makes no load longer. Where all are in one file, there is one.
      const conversation = work === "append" || entryOf(child.name).isSingle ? "appended" : "read";
      if (!filled.has(`${child.name} ${conversation}`)) await child.fill(conversation, long);
      filled.add(`${child.name} ${conversation}`);
      cells.push({ child, work, conversation, length: long });
    }
    const measured = await interleave(cells, pace);
    for (const [place, { child }] of cells.entries()) {
      const found = measured[place];
      if (found !== undefined) costs.push({ name: child.name, work, ...found });
    }
  }
  return costs;
}
