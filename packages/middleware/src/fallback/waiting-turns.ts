import { type CallOptions, KeyedQueue, MemoryError, untilAborted, type Warn } from "@deep-agent/core/adapter";
import { codeOf } from "../layer/error-code.ts";
import { isUnavailable } from "./circuit.ts";
import type { Journal, WaitingTurn } from "./journal.ts";

/** Where waiting turns are to be stored, and how that is reported. */
export interface Destination {
  isAway(): boolean;
  /** Stores a turn there. However often this is called, the turn is stored once. */
  store(memoryId: string, turn: WaitingTurn): Promise<void>;
  /** How often a turn that was not stored is tried again, in ms. */
  retryMs: number;
  warn: Warn;
  /** Called when all waiting turns are stored. */
  onEmpty(): void;
}

/** What is known about a memory that has waiting turns. */
interface Waiting {
  /** The operations of turns that are stored, but still in the journal. */
  stored: Set<string>;
  /**
   * The destination's error, if it refused all waiting turns; `undefined` if it did not, or if more turns have come
   * since.
   */
  refusal: unknown;
  /** Whether the journal of this memory was read, and holds turns only. */
  isRead: boolean;
}

/** The waiting turns by memory. It stores them at the destination, in order, as soon as that is available. */
export class WaitingTurns {
  readonly #journal: Journal;
  readonly #destination: Destination;
  /** One task at a time adds or removes waiting turns of a memory. */
  readonly #queue = new KeyedQueue();
  readonly #waiting = new Map<string, Waiting>();
  #adopting: Promise<void> | undefined;
  /** Whether it is known which memories have waiting turns. */
  #isKnown = false;
  #draining: Promise<void> | undefined;
  /** Retries turns that were not stored although the destination was available. Runs only while turns wait. */
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(journal: Journal, destination: Destination) {
    this.#journal = journal;
    this.#destination = destination;
  }

  /** The ids of memories that have waiting turns, as far as this process knows. */
  get memories(): string[] {
    return [...this.#waiting.keys()];
  }

  /** The ids of those memories of which a turn was refused. */
  get refused(): string[] {
    return this.memories.filter((memoryId) => this.#waiting.get(memoryId)?.refusal !== undefined);
  }

  /** Takes charge, once, of the turns that earlier processes left. */
  async adopted(signal: AbortSignal | undefined): Promise<void> {
    this.#adopting ??= this.#adopt();
    await untilAborted(this.#adopting, signal);
  }

  /** Takes charge of the turns that other processes have left meanwhile. */
  adoptAgain(): void {
    this.#adopting = this.#adopt();
  }

  /** Whether the memory has no waiting turn that the destination would accept. Tries to store them first. */
  async isClear(memoryId: string, signal: AbortSignal | undefined): Promise<boolean> {
    await this.adopted(signal);
    if (!this.#isKnown) await untilAborted(this.#lookFor(memoryId), signal);
    const waiting = this.#waiting.get(memoryId);
    if (waiting === undefined) return true;
    if (this.#destination.isAway()) return false;
    if (waiting.refusal !== undefined) return true; // the timer tries again; not every call does
    try {
      await untilAborted(this.#storeOf(memoryId), signal);
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#notStored(memoryId, error);
      return false;
    }
  }

  /** The waiting turns of one memory, oldest first. */
  async of(memoryId: string, options: CallOptions): Promise<WaitingTurn[]> {
    return this.#unstored(memoryId, (await this.#journal.read(memoryId, options)).turns);
  }

  /** Adds a turn after the others of its memory. */
  keep(memoryId: string, turn: WaitingTurn, options: CallOptions): Promise<void> {
    const add = async (): Promise<void> => {
      try {
        // Records other than turns are found before a turn is put after them.
        if (this.#waiting.get(memoryId)?.isRead !== true) await this.#journal.read(memoryId, options);
        await this.#journal.add(memoryId, turn, options);
      } catch (error) {
        // The turn may be there all the same.
        if (!MemoryError.is(error) || error.outcome !== "not-applied") this.#expect(memoryId);
        throw error;
      }
      const waiting = this.#expect(memoryId);
      waiting.isRead = true;
      waiting.refusal = undefined; // this one was not refused
    };
    return this.#queue.run(memoryId, add, options.signal);
  }

  /**
   * Stores all waiting turns, including those of other processes. Rejects with the first failure or refusal; the
   * remaining turns continue to wait.
   */
  async storeAll({ signal }: CallOptions): Promise<void> {
    for (const memoryId of await this.#journal.list({ signal })) this.#expect(memoryId);
    for (const memoryId of this.memories) {
      await untilAborted(this.#storeOf(memoryId), signal);
      const refusal = this.#waiting.get(memoryId)?.refusal;
      if (refusal !== undefined) throw refusal;
    }
  }

  /** Stores all waiting turns while the destination is available. A memory that fails does not hold up the others. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** Discards the waiting turns of a memory, and answers their records. */
  discard(memoryId: string, options: CallOptions): Promise<object[][]> {
    const discardAll = async (): Promise<object[][]> => {
      for (;;) {
        const waiting = await this.#journal.read(memoryId, options);
        if (waiting.turns.length > 0 && !(await this.#journal.keep(memoryId, [], waiting, options))) continue;
        const discarded = this.#unstored(memoryId, waiting.turns);
        this.#waiting.delete(memoryId);
        return discarded.map(({ records }) => records);
      }
    };
    return this.#queue.run(memoryId, discardAll, options.signal);
  }

  /**
   * Deletes a memory at the destination by `remove`, and the turns of it that wait, whichever process left them. If
   * some did wait, another process may have stored them meanwhile, so the memory is deleted at the destination once
   * more. `halfDone` makes the error of a failure after the first deletion.
   */
  deleteAll(
    memoryId: string,
    { signal }: CallOptions,
    remove: (options: CallOptions) => Promise<void>,
    halfDone: (error: unknown) => unknown,
  ): Promise<void> {
    const removeAll = async (): Promise<void> => {
      await remove({ signal });
      // From here on an abort is ignored, so that the deletion does not end half done.
      try {
        const { turns } = await this.#journal.read(memoryId, {});
        await this.#journal.delete(memoryId, {});
        if (turns.length > 0) await remove({});
      } catch (error) {
        throw halfDone(error);
      }
      this.#waiting.delete(memoryId);
    };
    return this.#queue.run(memoryId, removeAll, signal);
  }

  /** Starts nothing more, and resolves when all running work has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer();
    await Promise.allSettled([this.#adopting, this.#draining]);
  }

  /** Stores the turns of one memory, in order. Turns that are refused continue to wait. */
  #storeOf(memoryId: string): Promise<void> {
    return this.#queue.run(memoryId, async () => {
      for (let waits = this.#waiting.get(memoryId); waits !== undefined; waits = this.#waiting.get(memoryId)) {
        const waiting = await this.#journal.read(memoryId, {});
        waits.isRead = true;
        const refused: WaitingTurn[] = [];
        let refusal: unknown;
        for (const turn of this.#unstored(memoryId, waiting.turns)) {
          try {
            await this.#destination.store(memoryId, turn);
            waits.stored.add(turn.operationId);
          } catch (error) {
            if (!MemoryError.is(error) || isUnavailable(error) || error.outcome !== "not-applied") throw error;
            refused.push(turn);
            refusal = error;
          }
        }
        const isKept = refused.length === waiting.turns.length;
        if (!isKept && !(await this.#journal.keep(memoryId, refused, waiting, {}))) continue;
        waits.refusal = refusal;
        if (refused.length === 0) this.#waiting.delete(memoryId);
        else this.#notStored(memoryId, refusal);
        return;
      }
    });
  }

  async #drain(): Promise<void> {
    const before = this.#waiting.size;
    for (const memoryId of this.memories) {
      if (this.#isStopped || this.#destination.isAway()) return;
      try {
        await this.#storeOf(memoryId);
      } catch (error) {
        this.#notStored(memoryId, error);
      }
    }
    if (before > 0 && this.#waiting.size === 0) this.#destination.onEmpty();
  }

  /**
   * The turns that still wait, each once. A turn that was tried again is in the journal twice if many came in between.
   */
  #unstored(memoryId: string, turns: readonly WaitingTurn[]): WaitingTurn[] {
    const seen = new Set(this.#waiting.get(memoryId)?.stored);
    return turns.filter(({ operationId }) => !seen.has(operationId) && seen.add(operationId));
  }

  async #adopt(): Promise<void> {
    const { retryMs, warn, isAway } = this.#destination;
    try {
      for (const memoryId of await this.#journal.list({})) this.#expect(memoryId);
      this.#isKnown = true;
    } catch (error) {
      warn(`the secondary cannot be listed, so it is not known which turns wait (${codeOf(error)})`);
      const again = (): void => {
        if (!this.#isStopped) this.adoptAgain();
      };
      if (!this.#isKnown) setTimeout(again, retryMs).unref();
    }
    if (!isAway()) this.#drainSoon();
  }

  /**
   * Finds out whether turns of this memory wait, while the list of all is not known. A secondary that is unavailable
   * does not hold up the primary.
   */
  async #lookFor(memoryId: string): Promise<void> {
    try {
      const { turns } = await this.#journal.read(memoryId, {});
      if (turns.length > 0) this.#expect(memoryId);
    } catch (error) {
      this.#destination.warn(`it is not known whether turns of it wait (${codeOf(error)})`, memoryId);
    }
  }

  #drainSoon(): void {
    this.drain().catch((error: unknown) => this.#notStored(undefined, error));
  }

  #notStored(memoryId: string | undefined, error: unknown): void {
    if (this.#destination.isAway() && isUnavailable(error)) return; // already reported
    this.#destination.warn(`turns could not be stored, and continue to wait (${codeOf(error)})`, memoryId);
  }

  #expect(memoryId: string): Waiting {
    const known = this.#waiting.get(memoryId);
    if (known !== undefined) return known;
    const waiting: Waiting = { stored: new Set(), refusal: undefined, isRead: false };
    this.#waiting.set(memoryId, waiting);
    this.#startTimer();
    return waiting;
  }

  #startTimer(): void {
    if (this.#timer !== undefined || this.#isStopped) return;
    this.#timer = setInterval(() => {
      if (this.#waiting.size === 0) this.#stopTimer();
      else if (!this.#destination.isAway()) this.#drainSoon();
    }, this.#destination.retryMs);
    this.#timer.unref();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
