import { checkObject, signalOf } from "../adapter-kit/check-arguments.ts";
import { cloneJson } from "../adapter-kit/records.ts";
import { holdsAny } from "../adapter-kit/store-once.ts";
import { warnOf } from "../adapter-kit/warnings.ts";
import { TaskQueue } from "../concurrency/task-queue.ts";
import type { CallOptions, MemoryBackend, Revision, Snapshot } from "../contract/backend.ts";
import { backendChannel } from "../contract/diagnostics.ts";
import { isError, MemoryError } from "../contract/memory-error.ts";
import { checkMemoryId, quoteId } from "../contract/memory-id.ts";
import { beginsTurn, type Message, messageProblem } from "../contract/message.ts";
import { ClearedWindow } from "./cleared-window.ts";
import { type MemoryLog, memoryLog, nameOf } from "./memory-log.ts";
import { type ConflictPolicy, checkConflictPolicy } from "./turn.ts";
import { type OwnTurn, type PendingTurn, TurnQueue } from "./turn-queue.ts";
import { checkLimits, cutToLimits, DEFAULT_MAX_MESSAGES, type WindowLimits } from "./window.ts";

/** Options of {@link Conversation}. */
export interface ConversationOptions extends WindowLimits {
  /** The id of the memory: a non-empty well-formed string of at most 1,024 bytes of UTF-8. */
  memoryId: string;
  /** The store. The conversation does not close it. */
  backend: MemoryBackend;
  /** What to do with a turn if another writer has written meanwhile. A turn may override it. Default `"append"`. */
  onConflict?: ConflictPolicy | undefined;
  /**
   * Called if the store has lost turns that it had acknowledged. The conversation continues with what is left, even if
   * the handler fails; its failure is published as a warning. Default: no handler.
   */
  onRegression?: ((regression: Regression) => void) | undefined;
}

/** What a handler learns about acknowledged turns that the store has lost. */
export interface Regression {
  /** The id of the memory. */
  memoryId: string;
}

/** Options for storing one turn. */
export interface TurnOptions extends CallOptions {
  /**
   * What to do if another writer wrote after the conversation's last read. `"append"` keeps both turns whole, one after
   * the other. `"throw"` rejects with `CONFLICT` and does not store this turn. Default: the conversation's policy.
   */
  onConflict?: ConflictPolicy | undefined;
}

/** The minimum number of messages that a search for the beginning of a turn reads at once. */
const SEARCH_PAGE = 256;

/** How many times a window is read if its log is replaced during each read. */
const MAX_TRIES = 5;

/**
 * One memory, as one process sees it: a window of its newest turns in RAM, and the turns that are not stored yet. For
 * applications with their own model loop; the agent uses it too.
 *
 * ```ts
 * const conversation = new Conversation({ memoryId: "user-alice", backend });
 * const history = await conversation.sync();
 * const question = user("What is my name?");
 * const answer = assistant(await myModel([...history, question]));
 * await conversation.commit([question, answer]);
 * ```
 *
 * Calls run one after another. A turn that cannot be stored stays pending. It is tried again, as the same operation,
 * before any newer turn.
 */
export class Conversation {
  /** The id of the memory. */
  readonly memoryId: string;
  readonly #backend: MemoryBackend;
  readonly #log: MemoryLog;
  readonly #onConflict: ConflictPolicy;
  readonly #onRegression: ((regression: Regression) => unknown) | undefined;
  readonly #calls: TaskQueue = new TaskQueue();
  readonly #turns: TurnQueue;
  readonly #cleared = new ClearedWindow();
  #limits: WindowLimits;

  /** The newest turns of the store, as of `#revision`. They begin with a turn, or at the beginning of the log. */
  #stored: Message[] = [];
  /** The revision that was read last; `null`: the memory did not exist; `undefined`: nothing was read yet. */
  #revision: Revision | null | undefined;
  /** The next sync must read the whole window, not only what is new. */
  #stale = false;

  /** Throws `INVALID_MEMORY_ID`, `INVALID_ARGUMENT` or, without a backend, `BACKEND_REQUIRED`. */
  constructor(options: ConversationOptions) {
    checkLimits(options);
    const { memoryId, backend, onConflict = "append", onRegression } = options;
    checkMemoryId(memoryId);
    checkConflictPolicy(onConflict);
    if (typeof backend?.load !== "function") {
      throw new MemoryError("BACKEND_REQUIRED", "A conversation needs a backend.", { memoryId });
    }
    this.memoryId = memoryId;
    this.#backend = backend;
    this.#log = memoryLog(backend);
    this.#turns = new TurnQueue(memoryId, this.#log);
    this.#limits = options;
    this.#onConflict = onConflict;
    this.#onRegression = onRegression;
  }

  /**
   * The window: a copy of the newest whole turns within the limits, oldest first. Own turns that no read has returned
   * yet, and pending turns, are at the end.
   */
  get messages(): Message[] {
    const ahead = this.#cleared.visible(this.#turns.messages);
    return cloneJson(cutToLimits([...this.#stored, ...ahead], this.#limits));
  }

  /** The number of turns that wait to be stored. */
  get pending(): number {
    return this.#turns.pending.length;
  }

  /**
   * Changes the limits of the window. The next {@link sync} reads what a larger window needs. Throws `INVALID_ARGUMENT`
   * for invalid limits.
   */
  setLimits(limits: WindowLimits): void {
    checkLimits(limits);
    this.#limits = limits;
    this.#stale = true;
  }

  /**
   * Reads what is new in the store, and resolves to the window. A failed read changes nothing: it rejects with the
   * backend's error, or with `CORRUPT` if a record is not a message.
   */
  async sync(options: CallOptions = {}): Promise<Message[]> {
    const signal = signalOf(options);
    return this.#calls.run(() => this.#sync(signal), signal);
  }

  /** Reads the whole window again, including what {@link clear} removed. Pending turns stay pending. */
  async reload(options: CallOptions = {}): Promise<Message[]> {
    const signal = signalOf(options);
    return this.#calls.run(() => {
      this.#stale = true;
      this.#cleared.undo();
      return this.#sync(signal);
    }, signal);
  }

  /**
   * Stores a turn after everything in the log: all its messages or none, once no matter how often it is tried. Pending
   * turns are stored first. Messages that have no id get one.
   *
   * If the call rejects, the turn stays pending, unless a retry could never succeed (`INVALID_RECORD`,
   * `RECORD_TOO_LARGE`, and `CONFLICT` if the policy is `"throw"`). The same messages again, with their ids, are the
   * same turn: the call then stores it if it is still pending, and resolves.
   *
   * Pass only what is new. Rejects with `INVALID_ARGUMENT`, and adds nothing, if a message has the id of one that this
   * conversation has in RAM, such as one of the history, or if two messages have the same id.
   */
  async commit(messages: readonly Message[], options: TurnOptions = {}): Promise<void> {
    const signal = signalOf(options);
    const turn = this.#hold(messages, options);
    try {
      await this.#calls.run(() => this.#turns.flush(signal, turn), signal);
      if (turn.failure !== undefined) throw turn.failure;
    } catch (error) {
      this.#turns.reject(turn);
      throw error;
    }
  }

  /**
   * Adds a pending turn, which the next {@link flush} stores. Throws `INVALID_RECORD` if it can never be stored, and
   * `INVALID_ARGUMENT` as {@link commit} does.
   */
  hold(messages: readonly Message[], options: Omit<TurnOptions, "signal"> = {}): void {
    checkObject(options);
    this.#hold(messages, options);
  }

  /**
   * Stores the pending turns in order. Rejects at the first that fails: that turn and later ones stay pending. A turn
   * that can never be stored is dropped instead, and the error says so.
   */
  async flush(options: CallOptions = {}): Promise<void> {
    const signal = signalOf(options);
    await this.#calls.run(() => this.#turns.flush(signal), signal);
  }

  /** Drops the pending turns and returns them, oldest first. Use it if the store will never accept them. */
  discardPending(): Message[][] {
    const { pending } = this.#turns;
    this.#turns.drop(pending);
    return pending.map(({ records }) => structuredClone([...records]));
  }

  /**
   * Empties the window. The store keeps everything, and pending turns stay pending. The next sync brings only later
   * turns; if the log is replaced, it brings the new log.
   */
  clear(): void {
    this.#stored = [];
    this.#cleared.clear(this.#revision, this.#turns.messages);
  }

  /** Deletes the memory, the window and the turns pending now. If it rejects, the conversation has not changed. */
  async delete(options: CallOptions = {}): Promise<void> {
    const signal = signalOf(options);
    const doomed = [...this.#turns.pending];
    await this.#calls.run(async () => {
      await this.#log.delete(this.memoryId, { signal });
      this.#turns.drop(doomed);
      this.#turns.forget();
      this.#stored = [];
      this.#revision = undefined;
      this.#cleared.undo();
    }, signal);
  }

  #hold(messages: readonly Message[], { onConflict }: TurnOptions): PendingTurn {
    const policy = onConflict ?? this.#onConflict;
    checkConflictPolicy(policy);
    return this.#turns.hold(messages, policy, this.#stored);
  }

  async #sync(signal: AbortSignal | undefined, tries = 1): Promise<Message[]> {
    if (this.#cleared.revision === undefined) {
      this.#cleared.found((await this.#log.read(this.memoryId, { last: 1, signal }))?.revision ?? null);
    }
    const { revision: floor } = this.#cleared;
    const known = (this.#stale ? floor : (this.#revision ?? floor)) ?? undefined;
    const snapshot = await this.#read({ since: known, signal });
    const continues = known !== undefined && snapshot?.reset === false;
    const records = continues ? snapshot.records : await this.#wholeTurns(snapshot, signal);
    if (records === null) {
      if (tries === MAX_TRIES) throw this.#tooContended();
      return this.#sync(signal, tries + 1);
    }
    const isOlder = continues && this.#cleared.proves(known);
    const regressed = snapshot !== null && (await this.#hasRegressed(snapshot, { continues, isOlder }, signal));

    const before = continues && !this.#stale ? this.#stored : [];
    const stored = cutToLimits([...before, ...this.#cleared.visible(records)], this.#limits);
    this.#stored = stored;
    this.#stale = false;
    this.#cleared.settled();
    this.#revision = snapshot?.revision ?? null;
    this.#turns.read(this.#revision, records);
    if (regressed) this.#reportRegression();
    return this.messages;
  }

  /**
   * Whether the store lost turns that it had acknowledged: it reports that itself, or an own turn is missing and only a
   * loss explains it. A replaced or recreated log explains a missing turn, and so does the window limit, unless the
   * store itself reports a loss. `isOlder`: the revision that the snapshot continues was read before the own turns were
   * stored.
   */
  async #hasRegressed(
    snapshot: Snapshot,
    { continues, isOlder }: { continues: boolean; isOlder: boolean },
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (snapshot.regressed) return true;
    const missing = this.#turns.own.filter(({ records }) => !holdsAny(snapshot.records, records));
    if (!continues && snapshot.start !== null) {
      const newest = missing.at(-1); // earlier turns are lost only if this one is
      const { revision: since } = newest ?? {};
      return (
        since !== undefined && (await this.#log.read(this.memoryId, { since, last: 1, signal }))?.regressed === true
      );
    }
    for (const turn of missing) if (await this.#isLost(turn, snapshot, isOlder, signal)) return true;
    return false;
  }

  /**
   * Whether a turn that is not in a snapshot is lost. Only the store knows whether this is still the log that held the
   * turn. Also, a turn that a retry found already stored may be before the part that was read.
   */
  async #isLost(
    turn: OwnTurn,
    { revision }: Snapshot,
    isOlder: boolean,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const since = await this.#log.read(this.memoryId, { since: turn.revision, signal });
    if (since?.regressed !== false || !since.reset || !isOlder) return since?.regressed ?? false;
    // The store cannot tell a loss from a replacement. The log continues from what was just read, so it was a loss.
    const now = await this.#log.read(this.memoryId, { since: revision, signal });
    return now?.reset === false;
  }

  /**
   * The records of a snapshot from the first beginning of a turn; reads older pages if no turn begins there. `null`:
   * the log was replaced meanwhile.
   */
  async #wholeTurns(snapshot: Snapshot | null, signal: AbortSignal | undefined): Promise<Message[] | null> {
    const pages: Message[][] = [];
    let page = snapshot;
    while (page !== null) {
      const { records, start } = page;
      const begin = start === null ? 0 : records.findIndex(beginsTurn);
      pages.unshift(records.slice(Math.max(0, begin)));
      if (start === null || begin >= 0) return pages.flat();
      page = await this.#read({ before: start, signal });
      if (page === null || page.reset) return null;
      if (page.start === start) throw this.#corrupt("its pages do not end");
    }
    return [];
  }

  async #read(place: {
    since?: Revision | undefined;
    before?: Revision | undefined;
    signal: AbortSignal | undefined;
  }): Promise<Snapshot | null> {
    const { maxMessages = DEFAULT_MAX_MESSAGES } = this.#limits;
    const last = place.before === undefined ? maxMessages : Math.max(maxMessages, SEARCH_PAGE);
    const snapshot = await this.#log.read(this.memoryId, {
      ...place,
      last: last === Number.POSITIVE_INFINITY ? undefined : last,
    });
    const [problem] =
      snapshot?.records.flatMap((record, index) => {
        const found = messageProblem(record);
        return found === undefined ? [] : [`record ${index} of those read is not a message (${found})`];
      }) ?? [];
    if (problem !== undefined) throw this.#corrupt(problem);
    return snapshot;
  }

  #corrupt(problem: string): MemoryError {
    const { memoryId } = this;
    return new MemoryError("CORRUPT", `Cannot read memory ${quoteId(memoryId)}: ${problem}.`, {
      memoryId,
      hint: "If this id holds data other than a conversation, use another id or prefix.",
    });
  }

  #tooContended(): MemoryError {
    const { memoryId } = this;
    return new MemoryError(
      "UNAVAILABLE",
      `Memory ${quoteId(memoryId)} was replaced repeatedly while it was being read.`,
      {
        memoryId,
        retryable: true,
        hint: "Find out what rewrites this memory, then read it again.",
      },
    );
  }

  #reportRegression(): void {
    const { memoryId } = this;
    const backend = nameOf(this.#backend);
    backendChannel.publish({ type: "regressed", backend, memoryId });
    const report = async (): Promise<unknown> => this.#onRegression?.({ memoryId });
    report().catch((error: unknown) => {
      const name = isError(error) ? error.name : typeof error;
      warnOf(backend)(`the onRegression handler failed: ${name}`, memoryId);
    });
  }
}
