import { entryOf, type Name } from "../contenders/catalogue.ts";
import { WINDOW, type Work } from "../contenders/contender.ts";
import { type Cell, fillAll, interleave, type Measured } from "../interleave.ts";
import type { Plan } from "../plan.ts";

/** What a part of a turn, or a load of everything, costs in a long conversation. */
export interface PartCost extends Measured {
  name: Name;
  work: Work;
}

/** `turns`: what has measured whole turns in conversations of that length, to which is appended; others are read, which those have not made longer. */
export async function measureParts(turns: readonly Cell[], { parts: pace }: Plan): Promise<PartCost[]> {
  // The file's floor has nothing to read.
  const readers = turns.filter(({ child }) => child.name !== "floor-file");
  // Where all are in one file, there is one, and that has more than it was filled with.
  const isGrown = ({ child }: Cell): boolean => entryOf(child.name).isSingle === true;
  const read = readers.map((cell) => (isGrown(cell) ? cell : { ...cell, conversations: ["read"] }));
  await fillAll(read.filter((cell) => !isGrown(cell)));
  const brings = (cell: Cell, found: number): Partial<Cell> => (isGrown(cell) ? {} : { brings: found });
  const costs: PartCost[] = [];
  for (const cells of [
    turns.map((cell): Cell => ({ ...cell, work: "append" })),
    read.map((cell): Cell => ({ ...cell, work: "window", ...brings(cell, WINDOW) })),
    read.map((cell): Cell => ({ ...cell, work: "load", ...brings(cell, cell.length) })),
  ]) {
    const measured = await interleave(cells, pace);
    for (const [place, { child, work }] of cells.entries()) {
      const found = measured[place];
      if (found !== undefined) costs.push({ name: child.name, work, ...found });
    }
  }
  return costs;
}
