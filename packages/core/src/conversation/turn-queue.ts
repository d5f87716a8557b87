import { cloneJson, encodeRecords } from "../adapter-kit/records.ts";
import { holdsAny, storeOnce } from "../adapter-kit/store-once.ts";
import type { LogCapability, Revision } from "../contract/backend.ts";
import { cleanCause, MemoryError, withoutHint } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import { type Message, messageProblem } from "../contract/message.ts";
import { newId } from "../contract/new-id.ts";
import type { ConflictPolicy, Turn } from "./turn.ts";

/** A turn that is not known to be stored. */
export interface PendingTurn extends Turn {
  readonly onConflict: ConflictPolicy;
  /** Why it can never be stored. */
  failure?: unknown;
  /** Whether it was written, but is not as durable yet as the backend requires. */
  isWritten?: boolean;
  /** Whether a read has returned it since. */
  isSeen?: boolean;
}

/** A turn that the store acknowledged, and that no read has returned yet. */
export interface OwnTurn extends Turn {
  readonly revision: Revision;
}

/** The recent turns of one conversation, in order: those that wait to be stored, and those not yet read back. */
export class TurnQueue {
  readonly #memoryId: string;
  readonly #log: LogCapability;
  #pending: PendingTurn[] = [];
  #own: OwnTurn[] = [];
  /**
   * The revision that was read last, or that of a later own turn if no other writer wrote between. `undefined`: nothing
   * was read yet.
   */
  #head: Revision | null | undefined;

  constructor(memoryId: string, log: LogCapability) {
    this.#memoryId = memoryId;
    this.#log = log;
  }

  get pending(): readonly PendingTurn[] {
    return this.#pending;
  }

  get own(): readonly OwnTurn[] {
    return this.#own;
  }

  /** The messages that no read has returned yet, oldest first. */
  get messages(): Message[] {
    const unseen = this.#pending.filter(({ isSeen }) => isSeen !== true);
    return [...this.#own, ...unseen].flatMap((turn) => turn.records);
  }

  /** Adds a turn. Throws `INVALID_RECORD` for an invalid message, or one that cannot be stored. Adds missing ids. */
  hold(messages: readonly Message[], onConflict: ConflictPolicy): PendingTurn {
    const memoryId = this.#memoryId;
    encodeRecords(memoryId, messages);
    const problem = messages.length === 0 ? "a turn must have a message" : messages.map(messageProblem).find(Boolean);
    if (problem !== undefined) {
      throw new MemoryError("INVALID_RECORD", `Nothing was written to memory ${quoteId(memoryId)}: ${problem}.`, {
        memoryId,
      });
    }
    const turn: PendingTurn = {
      records: cloneJson(messages).map((message) => ({ ...message, id: message.id ?? newId() })),
      operationId: newId(),
      since: this.#head,
      onConflict,
    };
    this.#pending.push(turn);
    return turn;
  }

  /** Stores the pending turns, up to and including `last`. Rejects at the first that fails. */
  async flush(signal: AbortSignal | undefined, last?: PendingTurn): Promise<void> {
    while (this.#pending.length > 0 && (last === undefined || this.#pending.includes(last))) {
      const turn = this.#pending[0] as PendingTurn; // there is one
      if (turn.since === undefined) await this.#learnHead(signal);
      const { since } = turn;
      try {
        const unlessChanged = turn.onConflict === "throw";
        const revision = await storeOnce(this.#log, this.#memoryId, turn, { unlessChanged, signal });
        this.#acknowledge(turn, since, revision);
      } catch (error) {
        turn.isWritten ||= MemoryError.is(error, "DURABILITY");
        if (!isFinal(error, turn)) throw error;
        turn.failure = error;
        this.drop([turn]);
        throw turn === last ? error : droppedEarlier(this.#memoryId, error);
      }
    }
  }

  /** Takes note of a read, which returned `records` at `revision`. */
  read(revision: Revision | null, records: readonly Message[]): void {
    this.#head = revision;
    this.#own = [];
    for (const turn of this.#pending) turn.isSeen ||= holdsAny(records, turn.records);
    // A pending turn that is in the log was stored after all, and only the reply was lost. It stays pending if it is
    // known to be written but not durable.
    this.#pending = this.#pending.filter(({ isSeen, isWritten }) => isSeen !== true || isWritten === true);
  }

  drop(turns: readonly PendingTurn[]): void {
    this.#pending = this.#pending.filter((turn) => !turns.includes(turn));
  }

  /** The memory was deleted, with everything stored in it. */
  forget(): void {
    this.#own = [];
    this.#head = undefined;
  }

  /**
   * Reads the revision of the store before the first attempt. Without it, a turn whose reply was lost could be found
   * again only among the newest entries, and not at all in a history that another writer saved.
   */
  async #learnHead(signal: AbortSignal | undefined): Promise<void> {
    if (this.#head === undefined) {
      const snapshot = await this.#log.read(this.#memoryId, { last: 1, signal });
      this.#head = snapshot?.revision ?? null;
    }
    for (const turn of this.#pending) if (turn.since === undefined) turn.since = this.#head;
  }

  #acknowledge(turn: PendingTurn, since: Revision | null | undefined, revision: Revision): void {
    this.drop([turn]);
    if (turn.isSeen !== true) this.#own.push({ ...turn, revision });
    // Later turns that were not attempted yet may rely on this one being stored.
    for (const later of this.#pending) if (later.since === since) later.since = revision;
    if (this.#head === since) this.#head = revision;
  }
}

/** Whether the turn can never be stored, no matter how often it is tried. */
function isFinal(error: unknown, { onConflict }: PendingTurn): error is MemoryError {
  if (!MemoryError.is(error) || error.outcome !== "not-applied") return false;
  const { code } = error;
  return code === "INVALID_RECORD" || code === "RECORD_TOO_LARGE" || (code === "CONFLICT" && onConflict === "throw");
}

function droppedEarlier(memoryId: string, cause: MemoryError): MemoryError {
  const what = `A pending earlier turn of memory ${quoteId(memoryId)} can never be stored and was dropped`;
  return new MemoryError(cause.code, `${what}: ${withoutHint(cause)}`, {
    memoryId,
    backend: cause.backend,
    retryable: true,
    hint: "Its reply was returned when it was asked. Ask the current question again.",
    cause: cleanCause(cause),
  });
}
