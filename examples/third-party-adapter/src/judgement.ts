import type { Revision } from "@deep-agent/core/adapter";
import type { EntryTable } from "./entry-table.ts";
import type { StoredMemory } from "./memory-table.ts";
import { parseRevision } from "./revision.ts";

/** What is known about a revision that a caller passes. */
export interface Judgement {
  /** Whether the log still has everything that it had at that revision. */
  holds: boolean;
  /** Whether it is the same log, but lacks entries that it had: the store lost acknowledged entries. */
  regressed: boolean;
  /** How many entries the log had at that revision; 0 if `holds` is false. */
  position: number;
}

export function judge(revision: Revision, memory: StoredMemory, entries: EntryTable): Judgement {
  const place = parseRevision(revision);
  if (place === undefined || place.epoch !== memory.epoch) return { holds: false, regressed: false, position: 0 };
  const { position, mark } = place;
  const holds = position === 0 || entries.markAt(memory.key, position) === mark;
  return { holds, regressed: !holds, position: holds ? position : 0 };
}
