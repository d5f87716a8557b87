import type { Revision } from "@deep-agent/core/adapter";
import type { MemorySettings } from "../options/memory-settings.ts";

/** The memory that a script works on, and how memories are kept. */
export interface MemoryInput {
  readonly memoryId: string;
  readonly settings: MemorySettings;
}

/** Stands for the epoch or the revision of a memory that does not exist. */
export const NOTHING = "-";

/** A revision as the scripts read it. `""`: not given. `"-"`: null. */
export function encodeRevision(revision: Revision | null | undefined): string {
  if (revision === undefined || revision === null) return revision === null ? NOTHING : "";
  // The scripts use these words themselves. No read returns them, so the prefix makes them a revision that never
  // matches.
  return revision === NOTHING || revision === "*" ? `?${revision}` : revision;
}

/** The time to live as the scripts read it, in ms. `"0"`: for ever. */
export function encodeTtl({ ttl }: MemorySettings): string {
  return String(ttl ?? 0);
}
