import type { Tally } from "./tally.ts";

export interface PartOptions {
  /** The same seed makes the same choices. */
  seed: number;
  /** 1 is the full run, less is a smaller one. */
  scale: number;
  /** Hears, line by line, what the numbers of a tally do not tell. */
  note: (line: string) => void;
  /** Of a part that is made of schedules, the number of the one that is to be played. */
  only?: number | undefined;
}

/** A part of the torture. Rejects where it could not be carried through, not where a promise was broken. */
export type Part = (options: PartOptions) => Promise<Tally[]>;

/** How much of a full run is to be done: at least one. */
export function scaled(full: number, scale: number): number {
  return Math.max(1, Math.round(full * scale));
}
