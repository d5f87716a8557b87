import type { Tally } from "./tally.ts";

export interface PartOptions {
  /** The same seed makes the same choices. */
  seed: number;
  /** 1 is the full run. Smaller numbers make it smaller. */
  scale: number;
  /** Receives, line by line, what the numbers of a tally do not show. */
  note: (line: string) => void;
  /** The number of the only schedule to play, if the part is made of schedules. */
  only?: number | undefined;
}

/** A part of the torture. Rejects if it could not be completed, but not if a promise was broken. */
export type Part = (options: PartOptions) => Promise<Tally[]>;

/** How much of a full run to do: at least 1. */
export function scaled(full: number, scale: number): number {
  return Math.max(1, Math.round(full * scale));
}
