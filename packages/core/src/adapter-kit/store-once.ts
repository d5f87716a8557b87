import type { LogCapability, Revision } from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";

/** Records on their way into a log: stored whole or not at all, and once. */
export interface Operation<T extends object = object> {
  readonly records: readonly T[];
  /** Names the append, in every attempt. */
  readonly operationId: string;
  /**
   * What was known of the log before the first attempt, kept in every attempt (`null`: no such memory; `undefined`: nothing
   * was known). Where the log is another one by now, {@link storeOnce} moves it on to the one that it has searched.
   */
  since: Revision | null | undefined;
}

export interface StoreOnceOptions {
  /** Write only where nobody else has written since `since`; else reject with `CONFLICT`. Default `false`. */
  unlessChanged?: boolean | undefined;
  /** Whether another process may store the same operation at the same time. Costs one more read. Default `false`. */
  shared?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** How often a log may change under the search for records before they are left alone. */
const MAX_SEARCHES = 5;

/** How many records are read at once where a log is searched. */
const PAGE = 256;

/**
 * Appends the records of an operation, or finds that they are stored already. Resolves to the revision after them. Rejects
 * with `CONFLICT`, or with the backend's error.
 *
 * Where the log is no longer the one that the operation speaks of (expired, deleted, replaced), the operation id alone does
 * not tell whether its records are in it: someone may have saved a history that holds them. So the whole log is searched for
 * their ids (`id`, as messages have it), and only then are they appended, with the revision of that search.
 */
export async function storeOnce<T extends object>(
  log: LogCapability<T>,
  memoryId: string,
  operation: Operation<T>,
  options: StoreOnceOptions = {},
): Promise<Revision> {
  const { unlessChanged = false, shared = false, signal } = options;
  const { records, operationId } = operation;
  for (let searches = 0; ; searches++) {
    // Read before the append, which finds what others have stored under this operation until then: they store it after this.
    const head = shared ? await headOf(log, memoryId, signal) : undefined;
    const { since } = operation;
    try {
      const expectedRevision = unlessChanged ? since : undefined;
      return await log.append(memoryId, records, { operationId, since, expectedRevision, signal });
    } catch (error) {
      if (!MemoryError.is(error, "CONFLICT")) throw error;
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
 * Pages through the whole log for any of the records. Where the log is replaced meanwhile, the pages go on in the new one;
 * an append with the revision that is given then is a conflict, and searches again.
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
    // Ends without an answer where the memory is removed meanwhile.
    for (let page: typeof newest | null = newest; page !== null; ) {
      if (holdsAny(page.records, records)) return { stored: true, revision };
      if (page.start === null) return { stored: false, revision };
      page = await log.read(memoryId, { last: PAGE, before: page.start, signal });
    }
  }
}

/** Whether any of the records is stored already, as told by its id: they are stored whole or not at all, so one speaks for all. */
export function holdsAny(stored: readonly object[] | null, records: readonly object[]): boolean {
  const ids = new Set(records.map(idOf).filter((id) => id !== undefined));
  return ids.size > 0 && (stored ?? []).some((record) => ids.has(idOf(record) ?? ""));
}

function idOf(record: object): string | undefined {
  const { id } = record as { id?: unknown };
  return typeof id === "string" && id !== "" ? id : undefined;
}

function tooContended(memoryId: string, cause: unknown): MemoryError {
  return new MemoryError(
    "CONFLICT",
    `Memory ${quoteId(memoryId)} was replaced again and again while a turn was to be stored.`,
    {
      memoryId,
      retryable: true,
      hint: "Find out who rewrites this memory; the turn is kept and tried again.",
      cause,
    },
  );
}
