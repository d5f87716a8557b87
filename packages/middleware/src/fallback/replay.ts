import { type CallOptions, type LogCapability, MemoryError, quoteId, type Revision } from "@deep-agent/core/adapter";
import type { WaitingTurn } from "./journal.ts";

/** How often a log may be replaced while a turn is stored in it. */
const MAX_TRIES = 5;

/** How many records are read at once where a log is searched. */
const PAGE = 256;

/**
 * Stores a turn at the primary that may have been stored there before: once, also where another process does the same at the same time.
 *
 * The log is searched for the operation from what the turn's writer knew, or all of it. Where it is another log by now, and the operation is not
 * in it, somebody may have saved a history that holds the turn: so its records are searched by their ids. Only then is it appended, with what
 * was known before the first search, so that what another process appends meanwhile is found.
 */
export async function replay(
  primary: LogCapability<object>,
  memoryId: string,
  turn: WaitingTurn,
  options: CallOptions,
): Promise<void> {
  const { operationId, since = null, records } = turn;
  for (let tries = 1; ; tries++) {
    const head = await headOf(primary, memoryId, options);
    if (await appended(primary, memoryId, records, { operationId, since, ...options })) return;
    if (await holdsAny(primary, memoryId, records, options)) return;
    if (await appended(primary, memoryId, records, { operationId, since: head, ...options })) return;
    if (tries === MAX_TRIES) throw restless(memoryId);
  }
}

async function headOf(log: LogCapability<object>, memoryId: string, options: CallOptions): Promise<Revision | null> {
  return (await log.read(memoryId, { last: 1, ...options }))?.revision ?? null;
}

/** `false`: it is another log than `since` speaks of, and the operation is not in it. */
async function appended(
  log: LogCapability<object>,
  memoryId: string,
  records: readonly object[],
  options: { operationId: string; since: Revision | null } & CallOptions,
): Promise<boolean> {
  try {
    await log.append(memoryId, records, options);
    return true;
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return false;
    throw error;
  }
}

/** Whether a record of the log has the id of one of these: a turn is stored whole or not at all. */
async function holdsAny(
  log: LogCapability<object>,
  memoryId: string,
  records: readonly object[],
  options: CallOptions,
): Promise<boolean> {
  const ids = new Set(records.map(idOf).filter((id) => id !== undefined));
  if (ids.size === 0) return false;
  let page = await log.read(memoryId, { last: PAGE, ...options });
  while (page !== null) {
    if (page.records.some((record) => ids.has(idOf(record) ?? ""))) return true;
    if (page.start === null) return false;
    page = await log.read(memoryId, { last: PAGE, before: page.start, ...options });
  }
  return false;
}

function idOf(record: object): string | undefined {
  const { id } = record as { id?: unknown };
  return typeof id === "string" && id !== "" ? id : undefined;
}

function restless(memoryId: string): MemoryError {
  return new MemoryError(
    "CONFLICT",
    `Memory ${quoteId(memoryId)} was replaced again and again while a turn was to be stored.`,
    {
      memoryId,
      retryable: true,
      hint: "Find out who rewrites it.",
    },
  );
}
