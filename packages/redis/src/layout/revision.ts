import type { Revision } from "@deep-agent/core/adapter";

/**
 * A place in a log: after the entry at `position`, which was written at `at` (µs since 1970). As text,
 * `<epoch>.<position>.<at>`; at the beginning, both are 0. The scripts judge it.
 */
export function formatRevision(epoch: string, position: number, at: string): Revision {
  return `${epoch}.${position}.${at}`;
}

/** When the entry of this text was written, as text. */
export function timeOf(entryText: string): string {
  return /^\{"t":"[^"]*","at":(\d+),/.exec(entryText)?.[1] ?? "0";
}

/** Whether an entry is the mark of a save, which has no records. Nothing but such marks stands before one. */
export function isMark(entryText: string): boolean {
  return entryText.startsWith('{"t":"save:');
}
