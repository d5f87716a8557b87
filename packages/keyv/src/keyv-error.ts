import { cleanCause, MemoryError, type Outcome, quoteId } from "@deep-agent/core/adapter";

/** What errors and events call this backend. */
export const BACKEND = "keyv";

/** The store failed a call, or it is unknown whether it did what the call asked for. */
export class StoreFailure extends Error {
  override readonly name = "StoreFailure";

  /** `cause` is what the store threw or reported. */
  constructor(cause: unknown) {
    super("The store failed.", { cause });
  }
}

/** Something is stored under a key, but Keyv cannot make a value of it. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
  readonly key: string;

  constructor(key: string) {
    super("Keyv cannot read what is stored.");
    this.key = key;
  }
}

/** The store now has another namespace than when the backend was made. */
export class NamespaceChanged extends Error {
  override readonly name = "NamespaceChanged";
  /** Whether the call had reached the store before the change was noticed. */
  readonly sent: boolean;

  constructor(sent: boolean) {
    super("The namespace of the store was changed.");
    this.sent = sent;
  }
}

/** A call to the store, as error messages describe it. */
export interface StoreCall {
  verb: "read" | "write" | "delete" | "list";
  memoryId?: string | undefined;
}

/** The `MemoryError` for whatever a call to the store threw. */
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
    hint: "See the cause, and check that the store can be reached.",
    cause,
  });
}

/** A memory, by its id or only by its key. */
export type Which = { memoryId: string; key?: undefined } | { memoryId?: string | undefined; key: string };

/** `CORRUPT`. `problem` says what is wrong with the stored value. */
export function corrupt({ memoryId, key }: Which, problem: string): MemoryError {
  const what =
    memoryId === undefined ? `the memory under the key ${quoteId(key ?? "")}` : `memory ${quoteId(memoryId)}`;
  return new MemoryError("CORRUPT", `Cannot read ${what}: its stored value ${problem}.`, {
    backend: BACKEND,
    memoryId,
    hint: "If the serialization, compression or encryption of the Keyv was changed, change it back. Otherwise restore the value from a backup, or delete it.",
  });
}

export function notIterable(): MemoryError {
  return new MemoryError("NOT_SUPPORTED", "Cannot list memories: the store cannot iterate over its keys.", {
    backend: BACKEND,
    hint: "Use a store that has an `iterator`, for example that of Redis, SQLite, Postgres or Mongo, or a Map.",
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

/** One line for an error that is clean already: its code if it has one, otherwise its message. */
export function shown(cause: Error): string {
  const { code } = cause as { code?: unknown };
  return typeof code === "string" ? code : cause.message.replace(/[.\s]+$/, "") || cause.name;
}

/** An opening quotation mark or bracket. An apostrophe within a word does not count. */
const opening = /["`“{[]|(?<!\w)['‘]/;

/**
 * The message of a store, up to the first thing that it quotes: that may be text of a conversation. Whatever an address
 * has before its host is masked, because it may be a password.
 */
export function withoutQuotes(message: string): string {
  const safe = (message.split(opening)[0] ?? "").replace(/\/\/[^\s/]*@/g, "//***@");
  return safe.slice(0, MAX_SHOWN).trimEnd();
}
