import type { Revision } from "@deep-agent/core/adapter";
import type { MemorySettings } from "../options/memory-settings.ts";

/** Which memory a script is about, and how memories are kept. */
export interface MemoryInput {
  readonly memoryId: string;
  readonly settings: MemorySettings;
}

/** What stands for a memory that is not there, in the place of its epoch or of a revision. */
export const NOTHING = "-";

/** A revision as the scripts read it: `""` is not given, `"-"` null. */
export function encodeRevision(revision: Revision | null | undefined): string {
  if (revision === undefined || revision === null) return revision === null ? NOTHING : "";
  // Words of the scripts' own, which no read gave.
  return revision === NOTHING || revision === "*" ? `?${revision}` : revision;
}

/** The time to live as the scripts read it: ms, `"0"`: for ever. */
export function encodeTtl({ ttl }: MemorySettings): string {
  return String(ttl ?? 0);
}
