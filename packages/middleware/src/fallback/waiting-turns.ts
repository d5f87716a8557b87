import { type CallOptions, KeyedQueue, MemoryError, untilAborted, type Warn } from "@deep-agent/core/adapter";
import { codeOf } from "../layer/error-code.ts";
import { isUnavailable } from "./circuit.ts";
import type { Journal, WaitingTurn } from "./journal.ts";

/** Where turns that wait are to go, and who is told of them. */
export interface Destination {
  isAway(): boolean;
  /** Stores a turn there, once however often it is tried. */
  store(memoryId: string, turn: WaitingTurn): Promise<void>;
  /** How often what was not stored is tried again, in ms. */
  retryMs: number;
  warn: Warn;
  /** All that waited is stored. */
  onEmpty(): void;
}

/** What is known of a memory of which turns wait. */
interface Waiting {
  /** The operations of turns that wait no more, though they are still kept. */
  stored: Set<string>;
  /** What the destination said, where it refused all that wait; `undefined`: it did not, or others have come since. */
  refusal: unknown;
  /** Whether what is kept was looked at, and is nothing else than turns. */
  isRead: boolean;
}

/** The turns that wait, by memory, and how they get to where they are to go: in order, as soon as that is there. */
export class WaitingTurns {
  readonly #journal: Journal;
  readonly #destination: Destination;
  /** What waits of one memory is added to and taken away from by one task at a time. */
  readonly #queue = new KeyedQueue();
  readonly #waiting = new Map<string, Waiting>();
  #adopting: Promise<void> | undefined;
  /** Whether it is known of which memories turns wait. */
  #isKnown = false;
  #draining: Promise<void> | undefined;
  /** Tries again what was not stored though the destination was there; only while something waits. */
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(journal: Journal, destination: Destination) {
    this.#journal = journal;
    this.#destination = destination;
  }

  /** The memories of which turns wait, as far as this process knows. */
  get memories(): string[] {
    return [...this.#waiting.keys()];
  }

  /** Those of them of which a turn was refused. */
  get refused(): string[] {
    return this.memories.filter((memoryId) => this.#waiting.get(memoryId)?.refusal !== undefined);
  }

  /** Takes charge, once, of what earlier processes left. */
  async adopted(signal: AbortSignal | undefined): Promise<void> {
    this.#adopting ??= this.#adopt();
    await untilAborted(this.#adopting, signal);
  }

  /** Takes charge also of what other processes have left meanwhile. */
  adoptAgain(): void {
    this.#adopting = this.#adopt();
  }

  /** Whether nothing waits of the memory that the destination would take. */
  async hasNone(memoryId: string, signal: AbortSignal | undefined): Promise<boolean> {
    await this.adopted(signal);
    if (!this.#isKnown) await untilAborted(this.#lookFor(memoryId), signal);
    const waiting = this.#waiting.get(memoryId);
    if (waiting === undefined) return true;
    if (this.#destination.isAway()) return false;
    if (waiting.refusal !== undefined) return true; // it is tried again, but not by every call
    try {
      await untilAborted(this.#storeOf(memoryId), signal);
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#notStored(memoryId, error);
      return false;
    }
  }

  /** Those of one memory, oldest first. */
  async of(memoryId: string, options: CallOptions): Promise<WaitingTurn[]> {
    return this.#unstored(memoryId, (await this.#journal.read(memoryId, options)).turns);
  }

  /** Adds a turn after the others of its memory. */
  keep(memoryId: string, turn: WaitingTurn, options: CallOptions): Promise<void> {
    const add = async (): Promise<void> => {
      try {
        // What is there of something else is found before a turn is put after it.
        if (this.#waiting.get(memoryId)?.isRead !== true) await this.#journal.read(memoryId, options);
        await this.#journal.add(memoryId, turn, options);
      } catch (error) {
        // It may be there all the same.
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
   * Stores all, of other processes too. Rejects with the first failure or refusal; what then still waits goes on
   * waiting.
   */
  async storeAll({ signal }: CallOptions): Promise<void> {
    for (const memoryId of await this.#journal.list({ signal })) this.#expect(memoryId);
    for (const memoryId of this.memories) {
      await untilAborted(this.#storeOf(memoryId), signal);
      const refusal = this.#waiting.get(memoryId)?.refusal;
      if (refusal !== undefined) throw refusal;
    }
  }

  /** Stores all, as far as the destination is there. One memory that fails does not hold up the others. */
  drain(): Promise<void> {
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** Gives up those of a memory, and answers their records. */
  discard(memoryId: string, options: CallOptions): Promise<object[][]> {
    const giveUp = async (): Promise<object[][]> => {
      for (;;) {
        const waiting = await this.#journal.read(memoryId, options);
        if (waiting.turns.length > 0 && !(await this.#journal.keep(memoryId, [], waiting, options))) continue;
        const given = this.#unstored(memoryId, waiting.turns);
        this.#waiting.delete(memoryId);
        return given.map(({ records }) => records);
      }
    };
    return this.#queue.run(memoryId, giveUp, options.signal);
  }

  /**
   * Deletes a memory at its destination by `remove`, with what waits of it, of whatever process: once more if
   * something did wait, which another process may have stored meanwhile. `halfDone` makes the error of what fails
   * after the first deletion.
   */
  deleteAll(
    memoryId: string,
    { signal }: CallOptions,
    remove: (options: CallOptions) => Promise<void>,
    halfDone: (error: unknown) => unknown,
  ): Promise<void> {
    const removeAll = async (): Promise<void> => {
      await remove({ signal });
      // It has begun: an abort leaves nothing by halves.
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

  /** Begins nothing more, and resolves when what was begun has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#stopTimer();
    await Promise.allSettled([this.#adopting, this.#draining]);
  }

  /** Stores the turns of one memory, in order. Those that are refused go on waiting. */
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

  /** Those that do wait, each once: a turn that was tried again is kept twice if many came in between. */
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
      warn(`what waits is not known, as the secondary cannot be listed (${codeOf(error)})`);
      const again = (): void => {
        if (!this.#isStopped) this.adoptAgain();
      };
      if (!this.#isKnown) setTimeout(again, retryMs).unref();
    }
    if (!isAway()) this.#drainSoon();
  }

  /**
   * Whether anything waits of this memory, if that is not known of all. A secondary that is away does not hold up the
   * primary.
   */
  async #lookFor(memoryId: string): Promise<void> {
    try {
      const { turns } = await this.#journal.read(memoryId, {});
      if (turns.length > 0) this.#expect(memoryId);
    } catch (error) {
      this.#destination.warn(`whether turns of it wait is not known (${codeOf(error)})`, memoryId);
    }
  }

  #drainSoon(): void {
    this.drain().catch((error: unknown) => this.#notStored(undefined, error));
  }

  #notStored(memoryId: string | undefined, error: unknown): void {
    if (this.#destination.isAway() && isUnavailable(error)) return; // known, and told of
    this.#destination.warn(`turns could not be stored, and go on waiting (${codeOf(error)})`, memoryId);
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
