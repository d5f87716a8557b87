import type { Name } from "../contenders/catalogue.ts";
import { WINDOW, type Work } from "../contenders/contender.ts";
import { type Cell, interleave, type Measured } from "../interleave.ts";
import type { Plan } from "../plan.ts";

/** What a part of a turn, or a load of everything, costs in a long conversation. */
export interface PartCost extends Measured {
  name: Name;
  work: Work;
}

/** Measures one part, with the contender and the conversations of each of these cells. */
export async function measurePart(work: Work, cells: readonly Cell[], { parts: pace }: Plan): Promise<PartCost[]> {
  const parts = cells.map((cell): Cell => ({ ...cell, work, ...bringing(work, cell.length) }));
  const measured = await interleave(parts, pace);
  return parts.flatMap(({ child: { name } }, place) => {
    const found = measured[place];
    return found === undefined ? [] : [{ name, work, ...found }];
  });
}

function bringing(work: Work, length: number): Partial<Cell> {
  if (work === "window") return { brings: WINDOW };
  return work === "load" ? { brings: length } : {};
}
