import {
  type AppendOptions,
  backendChannel,
  type CallOptions,
  KeyedSerial,
  type ListOptions,
  type MemoryBackend,
  MemoryError,
  newId,
  quoteId,
  type ReadOptions,
  type Revision,
  type SaveOptions,
  type Snapshot,
  supports,
  untilAborted,
} from "@deep-agent/core";
import { Circuit, isAway, LeftAlone } from "./circuit.ts";
import { encodeKnown, isOfPrimary, knownBy } from "./fallback-revision.ts";
import { Journal, type WaitingTurn } from "./journal.ts";
import { type LogBackend, type WholeBackend, whole } from "./layer.ts";
import { replay } from "./replay.ts";
import { windowOf } from "./waiting-window.ts";

/** How a backend with a fallback is. */
export interface FallbackStatus {
  /** Whether calls are made at the primary. */
  primary: "there" | "away";
  /** The memories of which turns wait at the secondary, as far as this process knows. */
  waiting: string[];
  /** Those of them of which the primary has refused a turn, for another reason than that it is away. */
  refused: string[];
}

export interface FallbackSettings {
  failures: number;
  probeMs: number;
  onStatus: ((status: FallbackStatus) => unknown) | undefined;
}

/** What is known of a memory of which turns wait. */
interface Waiting {
  /** The operations of turns that wait no more, though they are still kept. */
  stored: Set<string>;
  /** What the primary said to those that it refused; the others were stored. */
  refusal: unknown;
  /** Whether what is kept was looked at, and is nothing else than turns. */
  isRead: boolean;
}

/** A primary store, and a secondary that keeps turns for it while it is away. */
export class Fallback {
  readonly #primary: WholeBackend;
  readonly #secondary: LogBackend;
  readonly #journal: Journal;
  readonly #circuit: Circuit;
  readonly #settings: FallbackSettings;
  /** What waits of one memory is added to and taken away from by one task at a time. */
  readonly #queue = new KeyedSerial();
  readonly #waiting = new Map<string, Waiting>();
  readonly #running = new Set<Promise<unknown>>();
  #adopting: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
  /** Tries again what was not stored though the primary was there; only while something waits. */
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(primary: LogBackend, secondary: LogBackend, settings: FallbackSettings) {
    this.#primary = whole(primary);
    this.#secondary = secondary;
    this.#journal = new Journal(secondary);
    this.#settings = settings;
    this.#circuit = new Circuit({
      failures: settings.failures,
      probeMs: settings.probeMs,
      probe: () => (supports(primary, "health") ? primary.ping() : primary.read("deep-agent", { last: 1 })),
      onAway: () => this.#tell("the primary is away: turns are kept by the secondary until it is back"),
      onBack: () => {
        this.#tell("the primary is back");
        // Also what other processes have left meanwhile.
        this.#adopting = this.#adopt();
      },
    });
  }

  get status(): FallbackStatus {
    const refused = [...this.#waiting].filter(([, { refusal }]) => refusal !== undefined).map(([memoryId]) => memoryId);
    return { primary: this.#circuit.isAway ? "away" : "there", waiting: [...this.#waiting.keys()], refused };
  }

  /** Runs a call, for which `close` waits. */
  async track<R>(call: () => Promise<R>): Promise<R> {
    this.#checkOpen();
    const running = call();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async append(memoryId: string, records: readonly object[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    // As it is now: its caller may go on with its objects while this waits.
    const turn: WaitingTurn = { operationId, since: ofPrimary(since), records: structuredClone([...records]) };
    let failure: unknown = new LeftAlone();
    if (await this.#hasCaughtUp(memoryId, signal)) {
      try {
        const there = { operationId, since: turn.since, expectedRevision: expectation(expectedRevision), signal };
        const primary = await this.#circuit.run(() => this.#primary.append(memoryId, turn.records, there), signal);
        return encodeKnown({ primary, waiting: null });
      } catch (error) {
        if (signal?.aborted || !isAbsence(error)) throw error;
        failure = error;
      }
    }
    if (!canWait(failure, options)) throw this.#away(memoryId, failure);
    await this.#keep(memoryId, turn, failure, { signal });
    return encodeKnown({ primary: typeof since === "string" ? knownBy(since).primary : null, waiting: operationId });
  }

  async read(memoryId: string, options: ReadOptions): Promise<Snapshot<object> | null> {
    const { last, since, before, signal } = options;
    const there = async (): Promise<Snapshot<object> | null> => {
      const given = since ?? before;
      // What was seen waiting is in the log by now, who knows where; and who saw nothing of the log begins anew.
      const isLost = given !== undefined && !isOfPrimary(knownBy(given));
      const place = isLost ? {} : { since: ofPrimary(since) ?? undefined, before: ofPrimary(before) ?? undefined };
      const snapshot = await this.#primary.read(memoryId, { last, signal, ...place });
      if (snapshot === null) return null;
      const { revision, start, reset } = snapshot;
      return {
        ...snapshot,
        revision: encodeKnown({ primary: revision, waiting: null }),
        start: start === null ? null : encodeKnown({ primary: start, waiting: null }),
        reset: reset || isLost,
      };
    };
    // All of a log, and what stands before a place in it, only the primary knows.
    const isPart = before === undefined && (since !== undefined || last !== undefined);
    if (!isPart) return this.atPrimary(memoryId, options, there);
    if (await this.#hasCaughtUp(memoryId, signal)) {
      try {
        return await this.#circuit.run(there, signal);
      } catch (error) {
        if (signal?.aborted || !isAbsence(error)) throw error;
      }
    }
    return windowOf((await this.#journal.read(memoryId, { signal })).turns, { since, last });
  }

  load(memoryId: string, options: CallOptions): Promise<object[] | null> {
    return this.atPrimary(memoryId, options, () => this.#primary.load(memoryId, options));
  }

  save(memoryId: string, records: readonly object[], options: SaveOptions): Promise<void> {
    const there = { ...options, expectedRevision: expectation(options.expectedRevision) };
    const copies = structuredClone([...records]);
    return this.atPrimary(memoryId, options, () => this.#primary.save(memoryId, copies, there));
  }

  /** Also what waits, of whatever process; and what another process has stored of that meanwhile. */
  delete(memoryId: string, options: CallOptions): Promise<void> {
    const removeAll = async (): Promise<void> => {
      await this.#atPrimary(memoryId, options, () => this.#primary.delete(memoryId, options));
      // It has begun: an abort leaves nothing by halves.
      try {
        const { turns } = await this.#journal.read(memoryId, {});
        await this.#journal.delete(memoryId, {});
        if (turns.length > 0) await this.#atPrimary(memoryId, {}, () => this.#primary.delete(memoryId));
      } catch (error) {
        throw this.#halfDeleted(memoryId, error);
      }
      this.#waiting.delete(memoryId);
    };
    return this.#queue.run(memoryId, removeAll, options.signal);
  }

  async list(options: ListOptions): Promise<string[]> {
    const { prefix = "" } = options;
    const stored = await this.atPrimaryOfMany(options, () => this.#primary.list(options));
    return [...new Set([...stored, ...this.status.waiting.filter((memoryId) => memoryId.startsWith(prefix))])];
  }

  /** A call that only the primary can answer, once nothing waits of that memory. */
  async atPrimary<R>(memoryId: string, options: CallOptions, call: () => Promise<R>): Promise<R> {
    if (await this.#hasCaughtUp(memoryId, options.signal)) return this.#atPrimary(memoryId, options, call);
    throw this.#away(memoryId, new LeftAlone());
  }

  /** The same for a call about many memories. */
  async atPrimaryOfMany<R>(options: CallOptions, call: () => Promise<R>): Promise<R> {
    await this.#adopted(options.signal);
    if (!this.#circuit.isAway) await untilAborted(this.#drain(), options.signal);
    return this.#atPrimary(undefined, options, call);
  }

  async ping(options: CallOptions): Promise<{ latencyMs: number }> {
    try {
      return await this.#circuit.run(() => this.#primary.ping(options), options.signal);
    } catch (error) {
      if (options.signal?.aborted || !isAbsence(error) || !supports(this.#secondary, "health"))
        throw this.#away(undefined, error);
      return this.#secondary.ping(options);
    }
  }

  /** Stores what waits at the primary, of other processes too. Rejects where that fails; what then still waits goes on waiting. */
  async replay({ signal }: CallOptions): Promise<FallbackStatus> {
    for (const memoryId of await this.#journal.list({ signal })) this.#expect(memoryId);
    for (const memoryId of this.#waiting.keys()) {
      try {
        await untilAborted(this.#replayOne(memoryId), signal);
      } catch (error) {
        throw this.#away(memoryId, error);
      }
      const refusal = this.#waiting.get(memoryId)?.refusal;
      if (refusal !== undefined) throw refusal;
    }
    return this.status;
  }

  /** Gives up the turns of a memory that wait, and answers their records. */
  discard(memoryId: string, options: CallOptions): Promise<object[][]> {
    const giveUp = async (): Promise<object[][]> => {
      for (;;) {
        const waiting = await this.#journal.read(memoryId, options);
        if (waiting.turns.length > 0 && !(await this.#journal.keep(memoryId, [], waiting, options))) continue;
        this.#waiting.delete(memoryId);
        return waiting.turns.map(({ records }) => records);
      }
    };
    return this.#queue.run(memoryId, giveUp, options.signal);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#circuit.stop();
    this.#stopTimer();
    await Promise.allSettled([...this.#running, this.#draining]);
    const closings = [this.#primary, this.#secondary].map(async (backend: MemoryBackend<object>) => {
      if (supports(backend, "lifecycle")) await backend.close();
    });
    const [failed] = (await Promise.allSettled(closings)).filter((closing) => closing.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #atPrimary<R>(memoryId: string | undefined, { signal }: CallOptions, call: () => Promise<R>): Promise<R> {
    try {
      return await this.#circuit.run(call, signal);
    } catch (error) {
      throw this.#away(memoryId, error);
    }
  }

  /** Whether the primary has all of the memory that it takes. */
  async #hasCaughtUp(memoryId: string, signal: AbortSignal | undefined): Promise<boolean> {
    await this.#adopted(signal);
    const waiting = this.#waiting.get(memoryId);
    if (waiting === undefined) return true;
    if (this.#circuit.isAway) return false;
    if (waiting.refusal !== undefined) return true; // it is tried again, but not by every call
    try {
      await untilAborted(this.#replayOne(memoryId), signal);
      return true;
    } catch (error) {
      signal?.throwIfAborted();
      this.#notReplayed(memoryId, error);
      return false;
    }
  }

  async #keep(memoryId: string, turn: WaitingTurn, failure: unknown, options: CallOptions): Promise<void> {
    const add = async (): Promise<void> => {
      // What is there of something else is found before a turn is put behind it.
      if (this.#waiting.get(memoryId)?.isRead !== true) await this.#journal.read(memoryId, options);
      await this.#journal.add(memoryId, turn, options);
      const waiting = this.#expect(memoryId);
      waiting.isRead = true;
      waiting.refusal = undefined; // this one was not refused
    };
    try {
      await this.#queue.run(memoryId, add, options.signal);
    } catch (error) {
      if (!MemoryError.is(error) || options.signal?.aborted) throw error;
      // It may be there all the same.
      if (error.outcome !== "not-applied") this.#expect(memoryId);
      throw neitherTookIt(memoryId, failure, error);
    }
    this.#hear();
  }

  /** Stores the turns of one memory that wait, in order. Those that the primary refuses go on waiting. */
  #replayOne(memoryId: string): Promise<void> {
    return this.#queue.run(memoryId, async () => {
      for (let waits = this.#waiting.get(memoryId); waits !== undefined; waits = this.#waiting.get(memoryId)) {
        const waiting = await this.#journal.read(memoryId, {});
        waits.isRead = true;
        const refused: WaitingTurn[] = [];
        for (const turn of waiting.turns) {
          if (waits.stored.has(turn.operationId)) continue;
          try {
            await this.#circuit.run(() => replay(this.#primary, memoryId, turn, {}));
            waits.stored.add(turn.operationId);
          } catch (error) {
            if (!MemoryError.is(error) || isAbsence(error) || error.outcome !== "not-applied") throw error;
            refused.push(turn);
            waits.refusal = error;
          }
        }
        const isKept = refused.length === waiting.turns.length;
        if (!isKept && !(await this.#journal.keep(memoryId, refused, waiting, {}))) continue;
        if (refused.length === 0) this.#waiting.delete(memoryId);
        else this.#notReplayed(memoryId, waits.refusal);
        return;
      }
    });
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
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setInterval(() => {
      if (this.#waiting.size === 0) this.#stopTimer();
      else if (!this.#circuit.isAway) this.#drainSoon();
    }, this.#settings.probeMs);
    this.#timer.unref();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #drainSoon(): void {
    this.#drain().catch((error: unknown) => this.#notReplayed(undefined, error));
  }

  /** Stores all that waits, as far as the primary is there. One memory that fails does not hold up the others. */
  #drain(): Promise<void> {
    this.#draining ??= (async () => {
      const before = this.#waiting.size;
      for (const memoryId of this.#waiting.keys()) {
        if (this.#isClosed || this.#circuit.isAway) return;
        try {
          await this.#replayOne(memoryId);
        } catch (error) {
          this.#notReplayed(memoryId, error);
        }
      }
      if (before > 0 && this.#waiting.size === 0) this.#tell("all that waited is stored at the primary");
    })().finally(() => {
      this.#draining = undefined;
    });
    return this.#draining;
  }

  /** Takes charge of what earlier processes left waiting. */
  async #adopted(signal: AbortSignal | undefined): Promise<void> {
    this.#adopting ??= this.#adopt();
    await untilAborted(this.#adopting, signal);
  }

  async #adopt(): Promise<void> {
    try {
      for (const memoryId of await this.#journal.list({})) this.#expect(memoryId);
    } catch (error) {
      this.#warn(undefined, `what waits at the secondary is not known, as it cannot be listed (${codeOf(error)})`);
      // It is tried again, but not by every call.
      setTimeout(() => {
        this.#adopting = undefined;
      }, this.#settings.probeMs).unref();
      return;
    }
    if (this.#waiting.size > 0) this.#drainSoon();
  }

  #notReplayed(memoryId: string | undefined, error: unknown): void {
    if (this.#circuit.isAway && isAbsence(error)) return; // known, and told of
    this.#warn(memoryId, `turns that wait could not be stored at the primary, and go on waiting (${codeOf(error)})`);
  }

  #tell(detail: string): void {
    this.#warn(undefined, detail);
    this.#hear();
  }

  /** Whoever wants to hear of the status fails alone. */
  #hear(): void {
    const { onStatus } = this.#settings;
    if (onStatus === undefined) return;
    const hear = async (): Promise<unknown> => onStatus(this.status);
    hear().catch((error: unknown) => this.#warn(undefined, `the onStatus handler failed (${codeOf(error)})`));
  }

  #warn(memoryId: string | undefined, detail: string): void {
    const about = memoryId === undefined ? {} : { memoryId };
    backendChannel.publish({ type: "warning", backend: "fallback", ...about, detail });
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new MemoryError("CLOSED", "This backend with a fallback was closed.", { hint: "Make a new one." });
  }

  /** The error for a call that the secondary cannot take over, where the primary was not asked. */
  #away(memoryId: string | undefined, error: unknown): unknown {
    if (!(error instanceof LeftAlone)) return error;
    const what = memoryId === undefined ? "The call" : `The call for memory ${quoteId(memoryId)}`;
    const why = this.#circuit.isAway ? "the primary is away" : "turns of it wait that could not be stored yet";
    return new MemoryError("UNAVAILABLE", `${what} was not made: ${why}.`, {
      memoryId,
      retryable: true,
      hint: "Turns are kept meanwhile, and what is new is read; all else has to wait.",
    });
  }

  #halfDeleted(memoryId: string, error: unknown): MemoryError {
    const what = `Memory ${quoteId(memoryId)} was deleted at the primary, and what waits of it perhaps not`;
    return new MemoryError("UNAVAILABLE", `${what} (${codeOf(error)}).`, {
      memoryId,
      outcome: "unknown",
      retryable: true,
      hint: "Delete it again: until then, turns that wait may begin it anew.",
      cause: MemoryError.is(error) ? error : undefined,
    });
  }
}

function neitherTookIt(memoryId: string, failure: unknown, error: MemoryError): MemoryError {
  const surelyNot = [failure, error].every((one) => !MemoryError.is(one) || one.outcome === "not-applied");
  return new MemoryError(
    "UNAVAILABLE",
    `Memory ${quoteId(memoryId)} was not written: the primary is away, and the secondary failed, too (${error.code}).`,
    {
      memoryId,
      outcome: surelyNot ? "not-applied" : "unknown",
      retryable: true,
      hint: "See the cause for the secondary, and the events for the primary.",
      cause: error,
    },
  );
}

/** Whether the call failed because the primary is away, or was not made because it was a moment ago. */
function isAbsence(error: unknown): boolean {
  return error instanceof LeftAlone || isAway(error);
}

/**
 * Whether the turn may be kept for later. What may have reached the primary already is found there by its operation id, if its writer said what it
 * knew; a condition can be judged only there.
 */
function canWait(failure: unknown, { since, expectedRevision }: AppendOptions): boolean {
  const surelyNot = !MemoryError.is(failure) || failure.outcome === "not-applied";
  return expectedRevision === undefined && (surelyNot || since !== undefined);
}

/** The part of a revision that is the primary's. */
function ofPrimary<R extends Revision | null | undefined>(revision: R): Revision | null | R {
  return typeof revision === "string" ? knownBy(revision).primary : revision;
}

/** What is expected of the primary. Where turns were seen waiting, it has changed since: no revision of it is like that. */
function expectation(revision: Revision | null | undefined): Revision | null | undefined {
  if (typeof revision !== "string") return revision;
  return isOfPrimary(knownBy(revision)) ? knownBy(revision).primary : revision;
}

function codeOf(error: unknown): string {
  return MemoryError.is(error) ? error.code : "unexpected";
}
