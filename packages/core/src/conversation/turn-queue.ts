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
  /** Why it never will be. */
  failure?: unknown;
  /** Whether it was written, and was not yet as durable as the backend wants it. */
  isWritten?: boolean;
  /** Whether a read brought it since. */
  isSeen?: boolean;
}

/** A turn that was acknowledged, and not yet seen in a read. */
export interface OwnTurn extends Turn {
  readonly revision: Revision;
}

/** The turns of one conversation on their way into the store, in order: those that wait, and those not yet read back. */
export class TurnQueue {
  readonly #memoryId: string;
  readonly #log: LogCapability;
  #pending: PendingTurn[] = [];
  #own: OwnTurn[] = [];
  /** What was read last, moved on by own turns as long as nobody else wrote; `undefined`: nothing was read yet. */
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

  /** What the store has not shown yet, oldest first. */
  get messages(): Message[] {
    const unseen = this.#pending.filter(({ isSeen }) => isSeen !== true);
    return [...this.#own, ...unseen].flatMap((turn) => turn.records);
  }

  /** Adds a turn. Throws `INVALID_RECORD` for what is no message or cannot be stored. Gives ids to messages without one. */
  hold(messages: readonly Message[], onConflict: ConflictPolicy): PendingTurn {
    const memoryId = this.#memoryId;
    encodeRecords(memoryId, messages);
    const problem = messages.length === 0 ? "A turn must have a message" : messages.map(messageProblem).find(Boolean);
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

  /** Stores what is pending, up to and with the turn `last`. Rejects at the first that fails. */
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

  /** Takes note of a read: what it brought stands at `revision`. */
  read(revision: Revision | null, records: readonly Message[]): void {
    this.#head = revision;
    this.#own = [];
    for (const turn of this.#pending) turn.isSeen ||= holdsAny(records, turn.records);
    // A pending turn that is in the log was stored after all: only the reply was lost. Unless it is known to be there, and not to be durable.
    this.#pending = this.#pending.filter(({ isSeen, isWritten }) => isSeen !== true || isWritten === true);
  }

  drop(turns: readonly PendingTurn[]): void {
    this.#pending = this.#pending.filter((turn) => !turns.includes(turn));
  }

  /** The memory is gone, and with it what was stored in it. */
  forget(): void {
    this.#own = [];
    this.#head = undefined;
  }

  /**
   * Finds out what is in the store before the first attempt: without it, a turn whose reply was lost could be found again only
   * among the newest, and not at all in what somebody saved.
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

/** Whether the turn could not be stored however often it was tried. */
function isFinal(error: unknown, { onConflict }: PendingTurn): error is MemoryError {
  if (!MemoryError.is(error) || error.outcome !== "not-applied") return false;
  const { code } = error;
  return code === "INVALID_RECORD" || code === "RECORD_TOO_LARGE" || (code === "CONFLICT" && onConflict === "throw");
}

function droppedEarlier(memoryId: string, cause: MemoryError): MemoryError {
  const what = `An earlier turn of memory ${quoteId(memoryId)} was pending, cannot be stored, and is dropped`;
  return new MemoryError(cause.code, `${what}: ${withoutHint(cause)}`, {
    memoryId,
    backend: cause.backend,
    retryable: true,
    hint: "Its reply was given when it was said. What is asked now can be asked again.",
    cause: cleanCause(cause),
  });
}
