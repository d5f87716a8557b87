import type { CallOptions, LogCapability, MemoryBackend, Revision, Snapshot } from "./backend.ts";
import { backendChannel } from "./diagnostics.ts";
import { holdsAny } from "./fallback-log.ts";
import { MemoryError } from "./memory-error.ts";
import { checkMemoryId, quoteId } from "./memory-id.ts";
import { isMessage, type Message } from "./message.ts";
import { nameOf, observed, observedLog } from "./observed-log.ts";
import { newId } from "./operation-id.ts";
import { encodeRecords } from "./records.ts";
import { Serial } from "./serial.ts";
import { type ConflictPolicy, storeTurn, type Turn } from "./turn.ts";
import { beginsTurn, checkLimits, cutToLimits, DEFAULT_MAX_MESSAGES, type WindowLimits } from "./window.ts";

export interface ConversationOptions extends WindowLimits {
  memoryId: string;
  backend: MemoryBackend;
  /**
   * When someone else wrote between our reading and our writing: `"append"` (default) keeps both turns whole, one behind the
   * other; `"throw"` rejects with `CONFLICT` and does not store ours.
   */
  onConflict?: ConflictPolicy | undefined;
  /** Called when the store turns out to have lost turns that it had acknowledged. The conversation goes on with what is there. */
  onRegression?: ((regression: Regression) => void) | undefined;
}

export interface Regression {
  memoryId: string;
}

/** A turn that is not known to be stored. */
interface PendingTurn extends Turn {
  /** Why it never will be. */
  failure?: unknown;
}

/** A turn that was acknowledged, and not yet seen in a read. */
interface OwnTurn extends Turn {
  readonly revision: Revision;
}

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
  readonly #log: LogCapability;
  readonly #onConflict: ConflictPolicy;
  readonly #onRegression: ((regression: Regression) => void) | undefined;
  readonly #queue: Serial = new Serial();
  #limits: WindowLimits;

  /** The store's newest turns, as of `#revision`. They begin at a turn, or at the beginning of the log. */
  #stored: Message[] = [];
  /** What was read last; `null`: that there is no such memory; `undefined`: nothing was read yet. */
  #revision: Revision | null | undefined;
  /** `#revision`, moved on by own turns, as long as nobody else wrote. */
  #head: Revision | null | undefined;
  #own: OwnTurn[] = [];
  #pending: PendingTurn[] = [];
  /** The messages that `clear` took from the window before the store has shown them to us. */
  #cleared: ReadonlySet<string> = new Set();
  /** The next sync is to read the whole window, not just what is new. */
  #stale = false;

  constructor(options: ConversationOptions) {
    checkMemoryId(options.memoryId);
    checkLimits(options);
    this.memoryId = options.memoryId;
    this.#backend = options.backend;
    this.#log = observedLog(options.backend);
    this.#limits = options;
    this.#onConflict = options.onConflict ?? "append";
    this.#onRegression = options.onRegression;
  }

  /**
   * The window: the newest whole turns within the limits, oldest first. Own turns that the store has not shown yet, and those
   * still pending, stand at the end.
   */
  get messages(): Message[] {
    const ahead = [...this.#own, ...this.#pending].flatMap((turn) => turn.messages);
    return cutToLimits([...this.#stored, ...this.#visible(ahead)], this.#limits);
  }

  /** How many turns wait to be stored. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Changes the limits of the window. What a larger window needs is read at the next {@link sync}. */
  setLimits(limits: WindowLimits): void {
    checkLimits(limits);
    this.#limits = limits;
    this.#stale = true;
  }

  /** Reads what is new in the store, and resolves to the window. A failed read rejects, and changes nothing. */
  sync(options: CallOptions = {}): Promise<Message[]> {
    return this.#queue.run(() => this.#sync(options.signal), options.signal);
  }

  /** Reads the window anew, also what {@link clear} took from it. Pending turns stay pending. */
  reload(options: CallOptions = {}): Promise<Message[]> {
    return this.#queue.run(() => {
      this.#stale = true;
      this.#cleared = new Set();
      return this.#sync(options.signal);
    }, options.signal);
  }

  /**
   * Stores a turn: all its messages or none, behind what is there, once however often it is tried. Pending turns go
   * first. When it rejects, the turn stays pending, unless the error can never pass (`INVALID_RECORD`, `RECORD_TOO_LARGE`, and
   * `CONFLICT` where the policy is `"throw"`).
   */
  async commit(messages: readonly Message[], options: CallOptions = {}): Promise<void> {
    const turn = this.#hold(messages);
    await this.#queue.run(() => this.#flush(options.signal, turn), options.signal);
    if (turn.failure !== undefined) throw turn.failure;
  }

  /** Adds a turn to those pending, to be stored by the next {@link flush}. Throws `INVALID_RECORD` where it can't be stored. */
  hold(messages: readonly Message[]): void {
    this.#hold(messages);
  }

  /** Stores the pending turns, in order. Rejects at the first that fails; it and those behind it stay pending. */
  flush(options: CallOptions = {}): Promise<void> {
    return this.#queue.run(() => this.#flush(options.signal), options.signal);
  }

  /** Empties the window. The store keeps everything, pending turns stay pending, and the next sync brings only what is new. */
  clear(): void {
    this.#stored = [];
    this.#cleared = new Set(
      [...this.#own, ...this.#pending].flatMap((turn) => turn.messages.map((message) => message.id)),
    );
  }

  /** Deletes the memory, and with it the window and the pending turns. When it rejects, nothing has changed here. */
  delete(options: CallOptions = {}): Promise<void> {
    return this.#queue.run(async () => {
      const { signal } = options;
      await observed(this.#backend, "delete", this.memoryId, () => this.#backend.delete(this.memoryId, { signal }));
      this.#stored = [];
      this.#revision = undefined;
      this.#head = undefined;
      this.#own = [];
      this.#pending = [];
      this.#cleared = new Set();
    }, options.signal);
  }

  #hold(messages: readonly Message[]): PendingTurn {
    const { memoryId } = this;
    encodeRecords(memoryId, messages);
    if (messages.length === 0) throw new MemoryError("INVALID_RECORD", "A turn must have a message.", { memoryId });
    const turn: PendingTurn = {
      messages: structuredClone(messages),
      operationId: newId(),
      since: this.#head,
    };
    this.#pending.push(turn);
    return turn;
  }

  /** Stores what is pending, up to and with the turn `last`. */
  async #flush(signal: AbortSignal | undefined, last?: Turn): Promise<void> {
    while (this.#pending.length > 0 && (last === undefined || this.#pending.includes(last))) {
      const turn = this.#pending[0] as PendingTurn; // there is one
      const { since } = turn;
      try {
        const revision = await storeTurn(this.#log, this.memoryId, turn, { onConflict: this.#onConflict, signal });
        this.#acknowledge(turn, since, revision);
      } catch (error) {
        if (this.#isFinal(error)) {
          turn.failure = error;
          this.#pending.shift();
        }
        throw error;
      }
    }
  }

  #acknowledge(turn: Turn, since: Revision | null | undefined, revision: Revision): void {
    this.#pending.shift();
    this.#own.push({ ...turn, revision });
    // What was said behind this turn, and not tried yet, knows of it.
    for (const later of this.#pending) if (later.since === since) later.since = revision;
    if (this.#head === since) this.#head = revision;
  }

  /** Whether the turn could not be stored however often it was tried. */
  #isFinal(error: unknown): boolean {
    if (!MemoryError.is(error) || error.outcome !== "not-applied") return false;
    return (
      error.code === "INVALID_RECORD" ||
      error.code === "RECORD_TOO_LARGE" ||
      (error.code === "CONFLICT" && this.#onConflict === "throw")
    );
  }

  async #sync(signal: AbortSignal | undefined): Promise<Message[]> {
    const known = this.#stale ? undefined : (this.#revision ?? undefined);
    const snapshot = await this.#read({ since: known, signal });
    const continues = known !== undefined && snapshot?.reset === false;
    const records = continues ? snapshot.records : await this.#wholeTurns(snapshot, signal);
    if (records === null) return this.#sync(signal);
    const regressed = snapshot !== null && (await this.#hasRegressed(snapshot, continues, signal));

    this.#stale = false;
    this.#revision = snapshot?.revision ?? null;
    this.#head = this.#revision;
    this.#own = [];
    // A pending turn that is in the log was stored after all: only the reply was lost.
    this.#pending = this.#pending.filter((turn) => !holdsAny(records, turn.messages));
    this.#stored = cutToLimits([...(continues ? this.#stored : []), ...this.#visible(records)], this.#limits);
    if (regressed) this.#reportRegression();
    return this.messages;
  }

  /**
   * Whether the store lost what it had acknowledged: it says so itself, or a turn of ours is missing where nothing but a loss
   * explains it. A log that was replaced, cut to the window or created anew explains it.
   */
  async #hasRegressed(snapshot: Snapshot, continues: boolean, signal: AbortSignal | undefined): Promise<boolean> {
    if (snapshot.regressed) return true;
    const missing = this.#own.find((turn) => !holdsAny(snapshot.records, turn.messages));
    if (missing === undefined) return false;
    if (continues) return true;
    if (snapshot.reset || snapshot.start !== null) return false;
    // Nothing was known before the turn, so only the store can tell whether this is still the log that held it.
    const check = await this.#log.read(this.memoryId, { since: missing.revision, last: 1, signal });
    return check?.regressed ?? false;
  }

  /**
   * The records of a snapshot from the first turn that begins in them; pages back where none does. `null`: the log was
   * replaced meanwhile.
   */
  async #wholeTurns(snapshot: Snapshot | null, signal: AbortSignal | undefined): Promise<Message[] | null> {
    let { records, start } = snapshot ?? { records: [], start: null };
    while (start !== null && !records.some(beginsTurn)) {
      const page = await this.#read({ before: start, signal });
      if (page === null || page.reset) return null;
      records = [...page.records, ...records];
      start = page.start;
    }
    return start === null ? records : records.slice(records.findIndex(beginsTurn));
  }

  async #read(place: {
    since?: Revision | undefined;
    before?: Revision | undefined;
    signal: AbortSignal | undefined;
  }): Promise<Snapshot | null> {
    const { maxMessages = DEFAULT_MAX_MESSAGES } = this.#limits;
    const last = maxMessages === Number.POSITIVE_INFINITY ? undefined : maxMessages;
    const snapshot = await this.#log.read(this.memoryId, { ...place, last });
    const alien = snapshot?.records.findIndex((record) => !isMessage(record)) ?? -1;
    if (alien === -1) return snapshot;
    throw new MemoryError(
      "CORRUPT",
      `Record ${alien} of what was read from memory ${quoteId(this.memoryId)} is not a message.`,
      {
        memoryId: this.memoryId,
        hint: "Something else than conversations is stored under this id: use another id or prefix.",
      },
    );
  }

  #visible(messages: readonly Message[]): readonly Message[] {
    return this.#cleared.size === 0 ? messages : messages.filter((message) => !this.#cleared.has(message.id));
  }

  #reportRegression(): void {
    const { memoryId } = this;
    backendChannel.publish({ type: "regressed", backend: nameOf(this.#backend), memoryId });
    this.#onRegression?.({ memoryId });
  }
}
