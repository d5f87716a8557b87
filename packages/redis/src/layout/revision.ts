import type { Revision } from "@deep-agent/core/adapter";

/**
 * Formats a place in a log: after the entry at `position`, which was written at `at` (µs since 1970). The text is
 * `<epoch>.<position>.<at>`. At the beginning of a log, position and time are 0. Only the scripts compare revisions.
 */
export function formatRevision(epoch: string, position: number, at: string): Revision {
  return `${epoch}.${position}.${at}`;
}

/** The time of an entry: µs since 1970, as text. */
export function timeOf(entryText: string): string {
  return /^\{"t":"[^"]*","at":(\d+),/.exec(entryText)?.[1] ?? "0";
}

/** Whether an entry is the mark of a save, which has no records. Only other marks can stand before a mark. */
export function isMark(entryText: string): boolean {
  return entryText.startsWith('{"t":"save:');
}
