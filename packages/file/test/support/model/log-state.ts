import type { Message } from "@deep-agent/core";
import { readNaively, type StoredEntry } from "./naive-reader.ts";

/** The memory on the disk, from one step on. */
export interface LogState {
  /** The step that made this state. */
  at: number;
  /** `null`: there is no such memory. */
  entries: readonly StoredEntry[] | null;
  /** The ids of its messages, oldest first. */
  ids: readonly string[];
  holds: ReadonlySet<string>;
  savedBy: string;
  /** Identifies the log. */
  epoch: string;
  lines: ReadonlyMap<number, string>;
  /** The place at which the log begins. Lines before it, which a save replaced, may be missing. */
  from: number;
  /** The place after the newest line that counts. */
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

/** Whether only appends, saves and compactions turned `earlier` into `later`. */
export function continues(earlier: LogState, later: LogState): boolean {
  return (
    later.entries !== null &&
    earlier.epoch === later.epoch &&
    later.end >= earlier.end &&
    [...earlier.lines].every(([place, text]) => place < later.from || later.lines.get(place) === text)
  );
}

/**
 * The window, by its definition: as many whole turns from the end of the log as fit into `most` messages, but at least
 * one. A turn begins at a message of the user. The first turn begins with the log, whatever its first message is.
 */
export function windowOf(messages: readonly Message[], most: number): Message[] {
  const begins = messages.flatMap((message, index) => (index === 0 || message.role === "user" ? [index] : []));
  const fitting = begins.find((index) => messages.length - index <= most) ?? begins.at(-1) ?? 0;
  return messages.slice(fitting);
}
