import type { Message } from "@deep-agent/core";

/** An entry of the list: an append, or one record of a save. */
export interface StoredEntry {
  operationId: string;
  saved: boolean;
  messages: Message[];
}

/** The memory as it was in Redis from one moment on. */
export interface LogState {
  /** The moment. */
  at: number;
  /** `null`: there is no memory. */
  entries: readonly StoredEntry[] | null;
  /** The ids of its messages, oldest first. */
  ids: readonly string[];
  holds: ReadonlySet<string>;
  /** The names of the saves that left a mark. */
  saves: readonly string[];
  epoch: string;
  dropped: number;
  /** The elements after the header. */
  texts: readonly string[];
  /** The earlier entries, which retention has removed. */
  past: readonly StoredEntry[];
}

/**
 * Reads a list's elements, as naively as the layout's description allows, and without code of the adapter. The state
 * `before` tells which entries retention has removed.
 */
export function stateOf(elements: readonly string[], at: number, before?: LogState): LogState {
  const [header, ...all] = elements;
  const [, epoch = "", , , , removed = "0"] = header?.split(" ") ?? [];
  // A mark stands in the place of the last entry that was removed, or before those of a save.
  const mark = all[0]?.startsWith('{"t":"save:"') ? all[0] : undefined;
  const texts = mark === undefined ? all : all.slice(1);
  const dropped = Number(removed) + all.length - texts.length;
  const entries = entriesOf(texts, epoch);
  const ids = entries.flatMap(({ messages }) => messages.map(({ id }) => id));
  const holds = new Set(ids);
  return {
    at,
    entries: header === undefined ? null : entries,
    ids,
    holds,
    saves: mark === undefined ? [] : (JSON.parse(mark) as { saves: string[] }).saves,
    epoch,
    dropped,
    texts,
    past: before?.epoch === epoch ? pastOf(before, dropped, holds) : [],
  };
}

function pastOf(
  { past, texts, dropped, epoch }: LogState,
  nowDropped: number,
  holds: ReadonlySet<string>,
): readonly StoredEntry[] {
  // A roll-back has brought some of these entries back.
  if (nowDropped < dropped) return past.filter(({ messages }) => !messages.some(({ id }) => holds.has(id)));
  return [...past, ...entriesOf(texts.slice(0, nowDropped - dropped), epoch)];
}

function entriesOf(texts: readonly string[], epoch: string): StoredEntry[] {
  return texts
    .map((text) => JSON.parse(text) as { t: string; r: Message[] })
    .map(({ t, r }) => ({ operationId: t, saved: t === epoch, messages: r }));
}

export function messagesOf(entries: readonly StoredEntry[] | null): Message[] {
  return (entries ?? []).flatMap(({ messages }) => messages);
}

/** Whether `later` came from `earlier` by appends and retention alone. */
export function continues(earlier: LogState, later: LogState): boolean {
  if (later.entries === null || earlier.epoch !== later.epoch || later.dropped < earlier.dropped) return false;
  const removed = later.dropped - earlier.dropped;
  const rest = earlier.texts.slice(removed);
  return later.texts.length >= rest.length && rest.every((text, index) => later.texts[index] === text);
}

/**
 * The window, by its definition: as many whole turns at the end of the log as fit into `most` messages, but at least
 * one. A turn begins at a user's message. The first message of the log begins a turn as well, whatever its role.
 */
export function windowOf(messages: readonly Message[], most: number): Message[] {
  const begins = messages.flatMap((message, index) => (index === 0 || message.role === "user" ? [index] : []));
  const fitting = begins.find((index) => messages.length - index <= most) ?? begins.at(-1) ?? 0;
  return messages.slice(fitting);
}
