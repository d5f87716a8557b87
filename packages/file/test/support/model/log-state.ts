import type { Message } from "@deep-agent/core";
import { readNaively, type StoredEntry } from "./naive-reader.ts";

/** The memory as it lay on the disk from one step on. */
export interface LogState {
  /** The step that made it so. */
  at: number;
  /** `null`: no such memory. */
  entries: readonly StoredEntry[] | null;
  /** The ids of its messages, oldest first. */
  ids: readonly string[];
  holds: ReadonlySet<string>;
  savedBy: string;
  /** Names the file. */
  epoch: string;
  lines: ReadonlyMap<number, string>;
  /** Where the log begins: what a save replaced before that may be missing. */
  from: number;
  /** Behind the newest line that counts. */
  end: number;
}

export interface Directory {
  readonly names: string[];
  contentOf(name: string): Buffer | null;
}

export function stateOf(directory: Directory, at: number): LogState {
  const { entries, savedBy, epoch, lines, from, end } = readNaively(
    directory.names,
    (name) => directory.contentOf(name) ?? Buffer.alloc(0),
  );
  const ids = messagesOf(entries).map(({ id }) => id);
  return { at, entries, ids, holds: new Set(ids), savedBy, epoch, lines, from, end };
}

export function messagesOf(entries: readonly StoredEntry[] | null): Message[] {
  return (entries ?? []).flatMap(({ messages }) => messages);
}

/** Whether `later` is what came of `earlier` by appends, saves and compactions alone. */
export function continues(earlier: LogState, later: LogState): boolean {
  return (
    later.entries !== null &&
    earlier.epoch === later.epoch &&
    later.end >= earlier.end &&
    [...earlier.lines].every(([place, text]) => place < later.from || later.lines.get(place) === text)
  );
}

/**
 * The window, by its definition: of all whole turns at the end of the log, as many as fit into `most` messages, but at least
 * one. A turn begins at a user's message; so does the log, whatever stands there.
 */
export function windowOf(messages: readonly Message[], most: number): Message[] {
  const begins = messages.flatMap((message, index) => (index === 0 || message.role === "user" ? [index] : []));
  const fitting = begins.find((index) => messages.length - index <= most) ?? begins.at(-1) ?? 0;
  return messages.slice(fitting);
}
