import { MemoryError } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import type { Message } from "../contract/message.ts";

/*
 * A message's id names it for ever, so it stands in a conversation once. A turn is known by the ids of its messages.
 */

/** How many messages an error names. */
const SHOWN = 5;

/**
 * Whether messages are those of a turn that is known already: the same content under the same ids, whenever they were
 * made. A message without an id equals the one at its place, if another message of the turn has its id.
 */
export function isSameTurn(messages: readonly Message[], turn: readonly Message[]): boolean {
  if (messages.length !== turn.length || !messages.some(({ id }, place) => hasId(id) && id === turn[place]?.id)) {
    return false;
  }
  const made = messages.map((message, place) => {
    const { id, createdAt } = turn[place] ?? message;
    return { ...message, id: hasId(message.id) ? message.id : id, createdAt };
  });
  return process.getBuiltinModule("node:util").isDeepStrictEqual(asStored(made), asStored(turn));
}

/** As JSON carries messages: whatever realm they come from, and in whatever way a property is absent. */
function asStored(messages: readonly Message[]): unknown {
  return JSON.parse(JSON.stringify(messages));
}

/** Whether a message has an id. JavaScript and other stores may give it none. */
export function hasId(id: unknown): boolean {
  return id !== undefined && id !== null && id !== "";
}

/**
 * Throws `INVALID_ARGUMENT` if a message has the id of one of `known`, or of an earlier message of the turn. It names
 * the places and the ids, which are not text that was said.
 */
export function checkNewIds(memoryId: string, messages: readonly Message[], known: readonly Message[]): void {
  // A window may be long, and a turn is short.
  const own = new Set(messages.map(({ id }) => id));
  const ids = new Set(known.flatMap(({ id }) => (own.has(id) ? [id] : [])));
  const taken = messages.flatMap(({ id }, place) => {
    const isTaken = hasId(id) && ids.has(id);
    ids.add(id);
    return isTaken ? [`${place} (${quoteId(id)})`] : [];
  });
  if (taken.length === 0) return;
  const more = taken.length > SHOWN ? ` and ${taken.length - SHOWN} more` : "";
  const problem = `earlier messages have the ids of its messages ${taken.slice(0, SHOWN).join(", ")}${more}`;
  throw new MemoryError("INVALID_ARGUMENT", `The turn was not added to memory ${quoteId(memoryId)}: ${problem}.`, {
    memoryId,
    hint: "Commit only what is new, not the history. Give each message an id of its own, or no id.",
  });
}
