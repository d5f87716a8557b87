import { mayHaveTakenEffect, withUnknownOutcome } from "../adapter-kit/outcomes.ts";
import { cloneJson, encodeRecords } from "../adapter-kit/records.ts";
import { holdsAny, storeOnce } from "../adapter-kit/store-once.ts";
import type { LogCapability, Revision } from "../contract/backend.ts";
import { problemIn } from "../contract/check-messages.ts";
import { cleanCause, MemoryError, withoutHint } from "../contract/memory-error.ts";
import { quoteId } from "../contract/memory-id.ts";
import { type Message, newMessageProblem } from "../contract/message.ts";
import { newId } from "../contract/new-id.ts";
import type { ConflictPolicy, Turn } from "./turn.ts";
import { checkNewIds, hasId, isSameTurn } from "./turn-ids.ts";

/** How many turns are remembered whose commit was rejected, although they were stored after all. */
const MAX_CONFIRMABLE = 64;

/** A turn that is not known to be stored. */
export interface PendingTurn extends Turn {
  /** The newest policy that the turn was committed with. */
  onConflict: ConflictPolicy;
  /** Whether a commit of it was rejected, so that its caller does not know whether it is stored. */
  isRejected?: boolean;
  /** Whether it is known to be stored. */
  isStored?: boolean;
  /** Why it can never be stored. */
  failure?: unknown;
  /** Whether an attempt at it may have taken effect. */
  mayBeStored?: boolean;
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
  /** Turns that are stored although a commit of them was rejected: the newest ones, oldest first. */
  #confirmable: PendingTurn[] = [];
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

  /**
   * Adds a turn, with ids for messages that have none. Answers the turn that is known already, if these are its
   * messages: it is pending, or it was stored although its commit was rejected. Throws `INVALID_RECORD` for an invalid
   * message or one that cannot be stored, and `INVALID_ARGUMENT` if one has the id of a message of `stored` or of
   * another turn.
   */
  hold(messages: readonly Message[], onConflict: ConflictPolicy, stored: readonly Message[]): PendingTurn {
    this.#check(messages);
    const pending = this.#pending.find(({ records }) => isSameTurn(messages, records));
    if (pending !== undefined) {
      pending.onConflict = onConflict;
      return pending;
    }
    const confirmed = this.#confirmable.find(({ records }) => isSameTurn(messages, records));
    if (confirmed !== undefined) {
      this.#confirmable = this.#confirmable.filter((turn) => turn !== confirmed);
      return confirmed;
    }
    const known = [...this.#own, ...this.#pending].flatMap(({ records }) => records);
    checkNewIds(this.#memoryId, messages, [...stored, ...known]);
    const turn: PendingTurn = {
      records: cloneJson(messages).map((message) => ({ ...message, id: hasId(message.id) ? message.id : newId() })),
      operationId: newId(),
      since: this.#head,
      onConflict,
    };
    this.#pending.push(turn);
    return turn;
  }

  #check(messages: readonly Message[]): void {
    const memoryId = this.#memoryId;
    encodeRecords(memoryId, messages);
    const oddId = messages.findIndex(({ id }) => hasId(id) && typeof id !== "string");
    const odd = oddId < 0 ? undefined : `the id of message ${oddId} must be a string`;
    const problem =
      messages.length === 0 ? "a turn must have a message" : (problemIn(messages, newMessageProblem) ?? odd);
    if (problem !== undefined) {
      throw new MemoryError("INVALID_RECORD", `Nothing was written to memory ${quoteId(memoryId)}: ${problem}.`, {
        memoryId,
      });
    }
  }

  /** Takes note that a commit of the turn was rejected. */
  reject(turn: PendingTurn): void {
    turn.isRejected = true;
    if (turn.isStored === true) this.#confirmable = [...this.#confirmable, turn].slice(-MAX_CONFIRMABLE);
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
        const { mayBeStored = false } = turn;
        turn.mayBeStored ||= mayHaveTakenEffect(error);
        // What is told is what became of the turn, not only of the newest attempt at it.
        if (!isFinal(error, turn)) throw mayBeStored ? withUnknownOutcome(error, signal) : error;
        const failure = mayBeStored ? withUnknownOutcome(error, signal) : error;
        turn.failure = failure;
        this.drop([turn]);
        throw turn === last ? failure : droppedEarlier(this.#memoryId, failure);
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
    const found = this.#pending.filter(({ isSeen, isWritten }) => isSeen === true && isWritten !== true);
    this.#stored(found);
  }

  drop(turns: readonly PendingTurn[]): void {
    this.#pending = this.#pending.filter((turn) => !turns.includes(turn));
  }

  /** The memory was deleted, with everything stored in it. */
  forget(): void {
    this.#own = [];
    this.#confirmable = [];
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

  /** Pending turns are stored now. */
  #stored(turns: readonly PendingTurn[]): void {
    this.drop(turns);
    for (const turn of turns) turn.isStored = true;
    const rejected = turns.filter(({ isRejected }) => isRejected === true);
    this.#confirmable = [...this.#confirmable, ...rejected].slice(-MAX_CONFIRMABLE);
  }

  #acknowledge(turn: PendingTurn, since: Revision | null | undefined, revision: Revision): void {
    this.#stored([turn]);
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
    outcome: cause.outcome,
    retryable: true,
    hint: "Its reply was returned when it was asked. Ask the current question again.",
    cause: cleanCause(cause),
  });
}
