import type { LogCapability, Revision } from "../contract/backend.ts";
import { fieldsIn } from "../contract/json-object.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import { mayHaveTakenEffect, withUnknownOutcome } from "./outcomes.ts";

/** An append that may take several attempts: its records are stored once, all of them or none. */
export interface Operation<T extends object = object> {
  /** The records to append, oldest first. */
  readonly records: readonly T[];
  /** Names the append; the same in every attempt. */
  readonly operationId: string;
  /**
   * The revision that was known before the first attempt; the same in every attempt. `null`: the memory did not
   * exist. `undefined`: nothing was known. If the log has been replaced since, {@link storeOnce} searches the new log
   * and sets this to its revision.
   */
  since: Revision | null | undefined;
}

/** Options of {@link storeOnce}. */
export interface StoreOnceOptions {
  /** Write only if no other writer has written after `since`; otherwise reject with `CONFLICT`. Default `false`. */
  unlessChanged?: boolean | undefined;
  /** Whether another process may store the same operation at the same time. Costs one more read. Default `false`. */
  shared?: boolean | undefined;
  /** Aborts the call, which then rejects with the signal's reason. Default: the call cannot be aborted. */
  signal?: AbortSignal | undefined;
}

/** How many times the search is repeated because the log changed meanwhile. */
const MAX_SEARCHES = 5;

/** How many records a search reads at once. */
const PAGE = 256;

/**
 * Appends the records of an operation, or finds that they are already stored. Resolves to a revision at which the log
 * holds them. Rejects with `CONFLICT`, or with the backend's error. Its outcome is that of all attempts of this call:
 * `"unknown"` as soon as one of them may have taken effect.
 *
 * If the log is no longer the one that `since` belongs to (it expired, or was deleted or replaced), the operation id
 * does not tell whether the records are in it: another writer may have saved a history that holds them. So the whole
 * log is searched for their ids (`id`, as messages have). Only if none is found are they appended, with the revision
 * of that search.
 */
export async function storeOnce<T extends object>(
  log: LogCapability<T>,
  memoryId: string,
  operation: Operation<T>,
  options: StoreOnceOptions = {},
): Promise<Revision> {
  const attempts = { mayBeStored: false };
  try {
    return await tryToStore(log, memoryId, operation, options, attempts);
  } catch (error) {
    throw attempts.mayBeStored ? withUnknownOutcome(error, options.signal) : error;
  }
}

async function tryToStore<T extends object>(
  log: LogCapability<T>,
  memoryId: string,
  operation: Operation<T>,
  { unlessChanged = false, shared = false, signal }: StoreOnceOptions,
  attempts: { mayBeStored: boolean },
): Promise<Revision> {
  const { records, operationId } = operation;
  for (let searches = 0; ; searches++) {
    // Read before the append. The append finds what other processes stored under this operation before it, so that
    // they can store it only after this revision.
    const head = shared ? await headOf(log, memoryId, signal) : undefined;
    const { since } = operation;
    try {
      const expectedRevision = unlessChanged ? since : undefined;
      return await log.append(memoryId, records, { operationId, since, expectedRevision, signal });
    } catch (error) {
      if (!MemoryError.is(error, "CONFLICT")) throw error;
      attempts.mayBeStored ||= mayHaveTakenEffect(error);
      const found = await search(log, memoryId, records, signal);
      if (found.stored) return found.revision;
      if (unlessChanged) throw error;
      if (searches === MAX_SEARCHES) throw tooContended(memoryId, error);
      operation.since = shared ? head : found.revision;
    }
  }
}

async function headOf<T extends object>(
  log: LogCapability<T>,
  memoryId: string,
  signal: AbortSignal | undefined,
): Promise<Revision | null> {
  return (await log.read(memoryId, { last: 1, signal }))?.revision ?? null;
}

type Found = { stored: true; revision: Revision } | { stored: false; revision: Revision | null };

/**
 * Pages through the whole log for any of the records. If the log is replaced meanwhile, the pages continue in the new
 * log. The returned revision is that of the old one, so the next append conflicts and the search is repeated.
 */
async function search<T extends object>(
  log: LogCapability<T>,
  memoryId: string,
  records: readonly T[],
  signal: AbortSignal | undefined,
): Promise<Found> {
  for (;;) {
    const newest = await log.read(memoryId, { last: PAGE, signal });
    if (newest === null) return { stored: false, revision: null };
    const { revision } = newest;
    // Ends without a result if the memory is removed meanwhile; then the search starts again.
    for (let page: typeof newest | null = newest; page !== null; ) {
      if (holdsAny(page.records, records)) return { stored: true, revision };
      if (page.start === null) return { stored: false, revision };
      page = await log.read(memoryId, { last: PAGE, before: page.start, signal });
    }
  }
}

/** Whether the records are already stored. All are stored or none, so the id of any one of them decides. */
export function holdsAny(stored: readonly object[] | null, records: readonly object[]): boolean {
  const ids = new Set(records.map(idOf).filter((id) => id !== undefined));
  return ids.size > 0 && (stored ?? []).some((record) => ids.has(idOf(record) ?? ""));
}

/** A store that others write to may hold something other than records. */
function idOf(record: unknown): string | undefined {
  const { id } = fieldsIn(record);
  return typeof id === "string" && id !== "" ? id : undefined;
}

function tooContended(memoryId: string, cause: unknown): MemoryError {
  return new MemoryError(
    "CONFLICT",
    `Memory ${quoteId(memoryId)} was replaced repeatedly while a turn was being stored.`,
    {
      memoryId,
      retryable: true,
      hint: "Another program keeps replacing this memory: find it. The turn is kept, and tried again.",
      cause,
    },
  );
}
