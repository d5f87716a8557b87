import type { Revision } from "@deep-agent/core/adapter";
import type { EntryTable } from "./entry-table.ts";
import type { StoredMemory } from "./memory-table.ts";
import { parseRevision } from "./revision.ts";

/** What a revision that somebody knows is worth today. */
export interface Judgement {
  /** Whether the log has what it had then, and goes on behind it. */
  holds: boolean;
  /** Whether it is that log, and yet lacks what it had then: the store lost what it had acknowledged. */
  regressed: boolean;
  /** How many entries were before it; 0 where it does not hold. */
  position: number;
}

export function judge(revision: Revision, memory: StoredMemory, entries: EntryTable): Judgement {
  const place = parseRevision(revision);
  if (place === undefined || place.epoch !== memory.epoch) return { holds: false, regressed: false, position: 0 };
  const { position, mark } = place;
  const holds = position === 0 || entries.markAt(memory.key, position) === mark;
  return { holds, regressed: !holds, position: holds ? position : 0 };
}
