import { cleanCause, MemoryError, type Outcome, quoteId } from "@deep-agent/core/adapter";

/** What errors and events call this backend. */
export const BACKEND = "keyv";

/** The store did not do what it was asked to, or nobody can tell whether it did. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";

  /** `cause` is what the store threw or reported. */
  constructor(cause: unknown) {
    super("The store failed.", { cause });
  }
}

/** Something is stored under a key, and Keyv cannot make a value of it. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly key: string;

  constructor(key: string) {
    super("Keyv cannot read what is stored.");
    this.key = key;
  }
}

/** The store now keeps another namespace's keys than those that the backend was made for. */
export class NamespaceChanged extends Error {
  override readonly name = "NamespaceChanged";
  /** Whether the call was made by then. */
  readonly sent: boolean;

  constructor(sent: boolean) {
    super("The namespace of the store was changed.");
    this.sent = sent;
  }
}

/** A call of the store, as its errors name it. */
export interface StoreCall {
  verb: "read" | "write" | "delete" | "list";
  memoryId?: string | undefined;
}

/** The error that a caller gets for what went wrong underneath. */
export function keyvError(error: unknown, { verb, memoryId }: StoreCall): MemoryError {
  if (MemoryError.is(error)) return error;
  const what = memoryId === undefined ? "memories" : `memory ${quoteId(memoryId)}`;
  const sent: Outcome = verb === "write" || verb === "delete" ? "unknown" : "not-applied";
  if (error instanceof NamespaceChanged) {
    return new MemoryError("INVALID_CONFIG", `Cannot ${verb} ${what}: the namespace of its store was changed.`, {
      backend: BACKEND,
      memoryId,
      outcome: error.sent ? sent : "not-applied",
      hint: "A Keyv sets its namespace on its store: give each Keyv a store object of its own.",
    });
  }
  if (error instanceof Unreadable) return corrupt({ memoryId, key: error.key }, "cannot be read by this Keyv");
  const cause = cleanCause(error instanceof StoreFailure ? error.cause : error, withoutQuotes);
  return new MemoryError("UNAVAILABLE", `Cannot ${verb} ${what}: the store failed (${shown(cause)}).`, {
    backend: BACKEND,
    memoryId,
    outcome: sent,
    retryable: true,
    hint: "See the cause, and whether the store can be reached.",
    cause,
  });
}

/** Which memory it is, if only by its key. */
export type Which = { memoryId: string; key?: undefined } | { memoryId?: string | undefined; key: string };

/** `problem` says what is wrong with what is stored. */
export function corrupt({ memoryId, key }: Which, problem: string): MemoryError {
  const what =
    memoryId === undefined ? `the memory under the key ${quoteId(key ?? "")}` : `memory ${quoteId(memoryId)}`;
  return new MemoryError("CORRUPT", `Cannot read ${what}: what is stored for it ${problem}.`, {
    backend: BACKEND,
    memoryId,
    hint: "If the Keyv's serialization, compression or encryption was changed, change it back; if not, restore the value from a backup, or delete it.",
  });
}

export function notIterable(): MemoryError {
  return new MemoryError("NOT_SUPPORTED", "Cannot list memories: the store cannot go through its keys.", {
    backend: BACKEND,
    hint: "Use a store that has an `iterator`, such as those of Redis, SQLite, Postgres or Mongo, or a Map.",
  });
}

export function invalidConfig(message: string, hint?: string, cause?: unknown): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, {
    backend: BACKEND,
    hint,
    cause: cause === undefined ? undefined : cleanCause(cause, withoutQuotes),
  });
}

const MAX_SHOWN = 200;

/** One line of an error that was cleaned before: its code where there is one, or its message. */
export function shown(cause: Error): string {
  const { code } = cause as { code?: unknown };
  return typeof code === "string" ? code : cause.message.replace(/[.\s]+$/, "") || cause.name;
}

/** A quotation mark or bracket that opens, and not an apostrophe. */
const opening = /["`“{[]|(?<!\w)['‘]/;

/**
 * A store's message up to where it quotes something, which may be what was to be stored: somebody's conversation. What an address says
 * before its host may be a password.
 */
export function withoutQuotes(message: string): string {
  const safe = (message.split(opening)[0] ?? "").replace(/\/\/[^\s/]*@/g, "//***@");
  return safe.slice(0, MAX_SHOWN).trimEnd();
}
