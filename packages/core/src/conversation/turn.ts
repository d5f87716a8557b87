import type { LogCapability, Revision } from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import type { Message } from "../contract/message.ts";

/** What is done with a turn when someone else has written since the model saw the conversation. */
export type ConflictPolicy = "append" | "throw";

/** Throws `INVALID_ARGUMENT` for what is no policy. */
export function checkConflictPolicy(policy: unknown): asserts policy is ConflictPolicy {
  if (policy === "append" || policy === "throw") return;
  throw new MemoryError("INVALID_ARGUMENT", 'The conflict policy must be "append" or "throw".');
}

/** One exchange on its way into the log: stored whole or not at all, and once. */
export interface Turn {
  readonly messages: readonly Message[];
  /** Names the append, in every attempt. */
  readonly operationId: string;
  /**
   * What was known of the log before the first attempt, kept in every attempt: what was read, moved on by own turns that
   * nobody wrote between. `undefined`: nothing was known.
   */
  since: Revision | null | undefined;
}

interface StoreOptions {
  onConflict: ConflictPolicy;
  signal: AbortSignal | undefined;
}

/** How often a log may change under the search for a turn before the turn is left pending. */
const MAX_SEARCHES = 5;
const PAGE = 256;

/**
 * Appends a turn, or finds that it is stored already. Resolves to the revision behind it, rejects with `CONFLICT` where the
 * policy is `"throw"` and someone else has written, or with the backend's error.
 *
 * Where the log is no longer the one that the turn speaks of (expired, deleted, replaced), the operation id alone does not
 * tell whether the turn is in it: someone may have saved a history that holds it. So the whole log is searched for its
 * messages, and only then is it appended anew, with the revision of that search.
 */
export async function storeTurn(
  log: LogCapability,
  memoryId: string,
  turn: Turn,
  options: StoreOptions,
): Promise<Revision> {
  const { onConflict, signal } = options;
  for (let searches = 0; ; searches++) {
    try {
      return await log.append(memoryId, turn.messages, {
        operationId: turn.operationId,
        since: turn.since,
        expectedRevision: onConflict === "throw" ? turn.since : undefined,
        signal,
      });
    } catch (error) {
      if (!MemoryError.is(error, "CONFLICT")) throw error;
      const found = await searchLog(log, memoryId, turn, signal);
      if (found.stored) return found.revision;
      if (onConflict === "throw") throw error;
      if (searches === MAX_SEARCHES) throw restless(memoryId, error);
      turn.since = found.revision;
    }
  }
}

type Found = { stored: true; revision: Revision } | { stored: false; revision: Revision | null };

/**
 * Pages through the whole log for any message of the turn. Where the log is replaced meanwhile, the pages go on in the new
 * one; an append with the revision that is given then is a conflict, and searches again.
 */
async function searchLog(
  log: LogCapability,
  memoryId: string,
  turn: Turn,
  signal: AbortSignal | undefined,
): Promise<Found> {
  for (;;) {
    const newest = await log.read(memoryId, { last: PAGE, signal });
    if (newest === null) return { stored: false, revision: null };
    const { revision } = newest;
    let page: typeof newest | null = newest;
    while (page !== null) {
      if (holdsAny(page.records, turn.messages)) return { stored: true, revision };
      if (page.start === null) return { stored: false, revision };
      page = await log.read(memoryId, { last: PAGE, before: page.start, signal });
    }
  }
}

function restless(memoryId: string, cause: unknown): MemoryError {
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

/** Whether any of the messages is stored already: a turn is stored whole or not at all, so that one speaks for all. */
export function holdsAny(stored: readonly Message[] | null, turn: readonly Message[]): boolean {
  const ids = new Set(turn.map((message) => message.id));
  return stored?.some((message) => message.id !== undefined && ids.has(message.id)) ?? false;
}
