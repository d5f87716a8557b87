import { createHash } from "node:crypto";
import { conflict } from "../adapter-kit/adapter-errors.ts";
import { holdsAny } from "../adapter-kit/store-once.ts";
import type { AppendOptions, MemoryBackend, ReadOptions, Revision, Snapshot } from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import type { Message } from "../contract/message.ts";

/*
 * The methods of a log, made of `load` and `save`. A turn is recognised by the ids of its messages, so that it is not
 * stored twice if the reply to a write was lost. Every call reads the whole log.
 */

/** The caller must keep other writers out until this settles. */
export async function appendBySave(
  backend: MemoryBackend,
  memoryId: string,
  records: readonly Message[],
  { signal, expectedRevision }: AppendOptions = {},
): Promise<Revision> {
  const stored = await backend.load(memoryId, { signal });
  const revision = stored && revisionOf(stored);
  if (revision !== null && holdsAny(stored, records)) {
    // A turn is stored whole. If its last message is missing, the turn was given earlier messages, too.
    if (holdsAny(stored, records.slice(-1))) return revision;
    throw partlyStored(memoryId, backend.name);
  }
  if (expectedRevision !== undefined && expectedRevision !== revision) {
    throw conflict(memoryId, backend.name);
  }
  const all = [...(stored ?? []), ...records];
  await backend.save(memoryId, all, { signal });
  return revisionOf(all);
}

function partlyStored(memoryId: string, backend: string | undefined): MemoryError {
  const problem = "some of its messages are stored already, by their ids, and the last one is not";
  return new MemoryError("INVALID_RECORD", `The turn was not added to memory ${quoteId(memoryId)}: ${problem}.`, {
    memoryId,
    backend,
    hint: "Commit only what is new: a question and what followed it, not the history.",
  });
}

export async function readByLoad(
  backend: MemoryBackend,
  memoryId: string,
  { last, since, before, signal }: ReadOptions = {},
): Promise<Snapshot | null> {
  const stored = await backend.load(memoryId, { signal });
  if (stored === null) return null;
  const known = since ?? before;
  const position = known === undefined ? 0 : positionIn(stored, known);
  const moved = position === null;
  const from = since === undefined || moved ? 0 : position;
  const to = before === undefined || moved ? stored.length : position;
  const start = last === undefined ? from : Math.max(from, to - last);
  return {
    records: stored.slice(start, to),
    revision: revisionOf(stored),
    start: start === 0 ? null : revisionOf(stored.slice(0, start)),
    reset: moved || (since !== undefined && start > from),
    regressed: false,
  };
}

/**
 * `<number of records>.<hash of them>`: it shows whether a log still begins with the same records. The order of keys
 * does not matter, because a store may change it.
 */
function revisionOf(records: readonly Message[]): Revision {
  const text = JSON.stringify(records, (_key, value: unknown) => (isObject(value) ? sorted(value) : value));
  return `${records.length}.${createHash("sha256").update(text).digest("base64url")}`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How many records the log had at that revision; `null`: this log does not begin with the same records. */
function positionIn(records: readonly Message[], revision: Revision): number | null {
  const position = Number.parseInt(revision, 10);
  return position <= records.length && revisionOf(records.slice(0, position)) === revision ? position : null;
}
