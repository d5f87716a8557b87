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
import { type OwnTurn, TurnQueue } from "./turn-queue.ts";
import { checkLimits, cutToLimits, DEFAULT_MAX_MESSAGES, type WindowLimits } from "./window.ts";

export interface ConversationOptions extends WindowLimits {
  memoryId: string;
  backend: MemoryBackend;
  /** What is done with a turn when someone else has written meanwhile, where the turn itself does not say. Default `"append"`. */
  onConflict?: ConflictPolicy | undefined;
  /**
   * Called when the store turns out to have lost turns that it had acknowledged. The conversation goes on with what is there,
   * also where the handler fails: that is published as a warning.
   */
  onRegression?: ((regression: Regression) => void) | undefined;
}

export interface Regression {
  memoryId: string;
}

export interface TurnOptions extends CallOptions {
  /**
   * When someone else wrote between our reading and our writing: `"append"` keeps both turns whole, one behind the other;
   * `"throw"` rejects with `CONFLICT` and does not store ours. Default: the conversation's.
   */
  onConflict?: ConflictPolicy | undefined;
}

/** How many messages are read at once, at least, in search of the beginning of a turn. */
const SEARCH_PAGE = 256;

/** How often a window is read again because its log was replaced under the reading. */
const MAX_TRIES = 5;

/**
 * One memory, seen from one process: a window of its newest turns in RAM, and the turns that are on their way into the store.
 * For people with a model loop of their own; the agent uses it too.
 *
 * ```ts
 * const conversation = new Conversation({ memoryId: "user-alice", backend });
 * const history = await conversation.sync();
 * const question = user("What is my name?");
 * const answer = assistant(await myModel([...history, question]));
 * await conversation.commit([question, answer]);
 * ```
 *
 * Calls queue behind each other. What cannot be stored stays pending, and is tried again, as the same operation, before
 * anything newer.
 */
export class Conversation {
  readonly memoryId: string;
  readonly #backend: MemoryBackend;
  readonly #log: MemoryLog;
  readonly #onConflict: ConflictPolicy;
  readonly #onRegression: ((regression: Regression) => unknown) | undefined;
  readonly #calls: TaskQueue = new TaskQueue();
  readonly #turns: TurnQueue;
  readonly #cleared = new ClearedWindow();
  #limits: WindowLimits;

  /** The store's newest turns, as of `#revision`. They begin at a turn, or at the beginning of the log. */
  #stored: Message[] = [];
  /** What was read last; `null`: that there is no such memory; `undefined`: nothing was read yet. */
  #revision: Revision | null | undefined;
  /** The next sync is to read the whole window, not just what is new. */
  #stale = false;

  /** Throws `INVALID_MEMORY_ID`, `INVALID_ARGUMENT` or, without a backend, `BACKEND_REQUIRED`. */
  constructor(options: ConversationOptions) {
    const { memoryId, backend, onConflict = "append", onRegression } = options;
    checkMemoryId(memoryId);
    checkLimits(options);
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
   * The window: the newest whole turns within the limits, oldest first, as a copy. Own turns that the store has not shown yet, and
   * those still pending, stand at the end.
   */
  get messages(): Message[] {
    const ahead = this.#cleared.visible(this.#turns.messages);
    return cloneJson(cutToLimits([...this.#stored, ...ahead], this.#limits));
  }

  /** How many turns wait to be stored. */
  get pending(): number {
    return this.#turns.pending.length;
  }

  /** Changes the limits of the window. What a larger window needs is read at the next {@link sync}. */
  setLimits(limits: WindowLimits): void {
    checkLimits(limits);
    this.#limits = limits;
    this.#stale = true;
  }

  /** Reads what is new in the store, and resolves to the window. A failed read rejects, and changes nothing. */
  sync(options: CallOptions = {}): Promise<Message[]> {
    return this.#calls.run(() => this.#sync(options.signal), options.signal);
  }

  /** Reads the window anew, also what {@link clear} took from it. Pending turns stay pending. */
  reload(options: CallOptions = {}): Promise<Message[]> {
    return this.#calls.run(() => {
      this.#stale = true;
      this.#cleared.undo();
      return this.#sync(options.signal);
    }, options.signal);
  }

  /**
   * Stores a turn: all its messages or none, behind what is there, once however often it is tried. Pending turns go
   * first. When it rejects, the turn stays pending, unless the error can never pass (`INVALID_RECORD`, `RECORD_TOO_LARGE`, and
   * `CONFLICT` where the policy is `"throw"`).
   */
  async commit(messages: readonly Message[], options: TurnOptions = {}): Promise<void> {
    const turn = this.#turns.hold(messages, options.onConflict ?? this.#onConflict);
    await this.#calls.run(() => this.#turns.flush(options.signal, turn), options.signal);
    if (turn.failure !== undefined) throw turn.failure;
  }

  /** Adds a turn to those pending, to be stored by the next {@link flush}. Throws `INVALID_RECORD` where it can't be stored. */
  hold(messages: readonly Message[], options: Omit<TurnOptions, "signal"> = {}): void {
    this.#turns.hold(messages, options.onConflict ?? this.#onConflict);
  }

  /**
   * Stores the pending turns, in order. Rejects at the first that fails; it and those behind it stay pending. One that can never
   * be stored is dropped instead, and the error says so.
   */
  flush(options: CallOptions = {}): Promise<void> {
    return this.#calls.run(() => this.#turns.flush(options.signal), options.signal);
  }

  /** Gives up the pending turns, and answers them, oldest first: the way out where the store takes them by no means. */
  discardPending(): Message[][] {
    const { pending } = this.#turns;
    this.#turns.drop(pending);
    return pending.map(({ records }) => structuredClone([...records]));
  }

  /**
   * Empties the window. The store keeps everything, pending turns stay pending, and the next sync brings only what comes after;
   * if the log is replaced, what is then in it.
   */
  clear(): void {
    this.#stored = [];
    this.#cleared.clear(this.#revision, this.#turns.messages);
  }

  /** Deletes the memory, and with it the window and the turns pending now. When it rejects, nothing has changed here. */
  delete(options: CallOptions = {}): Promise<void> {
    const doomed = [...this.#turns.pending];
    return this.#calls.run(async () => {
      await this.#log.delete(this.memoryId, options);
      this.#turns.drop(doomed);
      this.#turns.forget();
      this.#stored = [];
      this.#revision = undefined;
      this.#cleared.undo();
    }, options.signal);
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
   * Whether the store lost what it had acknowledged: it says so itself, or a turn of ours is missing where nothing but a loss
   * explains it. A log that was replaced or created anew explains it, and so does the window's limit, unless the store says otherwise. `isOlder`: what the snapshot continues was
   * read before the own turns were stored.
   */
  async #hasRegressed(
    snapshot: Snapshot,
    { continues, isOlder }: { continues: boolean; isOlder: boolean },
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (snapshot.regressed) return true;
    const missing = this.#turns.own.filter(({ records }) => !holdsAny(snapshot.records, records));
    if (!continues && snapshot.start !== null) {
      const newest = missing.at(-1); // those before it are lost only if it is
      const { revision: since } = newest ?? {};
      return (
        since !== undefined && (await this.#log.read(this.memoryId, { since, last: 1, signal }))?.regressed === true
      );
    }
    for (const turn of missing) if (await this.#isLost(turn, snapshot, isOlder, signal)) return true;
    return false;
  }

  /**
   * Whether a turn that a snapshot does not bring is gone. Only the store can tell whether this is still the log that held it;
   * and a turn that was found there when it was tried again may stand before what was read.
   */
  async #isLost(
    turn: OwnTurn,
    { revision }: Snapshot,
    isOlder: boolean,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const since = await this.#log.read(this.memoryId, { since: turn.revision, signal });
    if (since?.regressed !== false || !since.reset || !isOlder) return since?.regressed ?? false;
    // A store that cannot tell a loss from a replacement: what we just read goes on, so it was a loss.
    const now = await this.#log.read(this.memoryId, { since: revision, signal });
    return now?.reset === false;
  }

  /**
   * The records of a snapshot from the first turn that begins in them; pages back where none does. `null`: the log was
   * replaced meanwhile.
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
        return found === undefined ? [] : [`record ${index} of what was read is not a message (${found})`];
      }) ?? [];
    if (problem !== undefined) throw this.#corrupt(problem);
    return snapshot;
  }

  #corrupt(problem: string): MemoryError {
    const { memoryId } = this;
    return new MemoryError("CORRUPT", `Cannot read memory ${quoteId(memoryId)}: ${problem}.`, {
      memoryId,
      hint: "If something else than conversations is stored under this id, use another id or prefix.",
    });
  }

  #tooContended(): MemoryError {
    const { memoryId } = this;
    return new MemoryError(
      "UNAVAILABLE",
      `Memory ${quoteId(memoryId)} was replaced again and again while it was read.`,
      {
        memoryId,
        retryable: true,
        hint: "Find out who rewrites this memory, and read it again.",
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
