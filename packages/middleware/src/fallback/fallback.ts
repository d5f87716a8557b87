import {
  type AppendOptions,
  type CallOptions,
  CallTracker,
  closed,
  type ListOptions,
  type MemoryBackend,
  MemoryError,
  newId,
  quoteId,
  type ReadOptions,
  type Revision,
  type SaveOptions,
  type Snapshot,
  storeOnce,
  supports,
  untilAborted,
  warnOf,
} from "@deep-agent/core/adapter";
import { codeOf } from "../layer/error-code.ts";
import { type WholeBackend, whole } from "../layer/layer.ts";
import { Circuit, CircuitOpen, isUnavailable } from "./circuit.ts";
import { formatFallbackRevision, isOfPrimary, parseFallbackRevision } from "./fallback-revision.ts";
import { Journal, type LogBackend, type WaitingTurn } from "./journal.ts";
import { WaitingTurns } from "./waiting-turns.ts";
import { windowOf } from "./waiting-window.ts";

const warn = warnOf("fallback");

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

/** A primary store, and a secondary that keeps turns for it while it is away. */
export class Fallback {
  readonly #primary: WholeBackend;
  readonly #secondary: LogBackend;
  readonly #circuit: Circuit;
  readonly #waiting: WaitingTurns;
  readonly #onStatus: FallbackSettings["onStatus"];
  readonly #calls = new CallTracker(() => closed("backend with a fallback"));

  constructor(primary: LogBackend, secondary: LogBackend, { failures, probeMs, onStatus }: FallbackSettings) {
    this.#primary = whole(primary);
    this.#secondary = secondary;
    this.#onStatus = onStatus;
    this.#circuit = new Circuit({
      failures,
      probeMs,
      probe: () => (supports(primary, "health") ? primary.ping() : primary.read("deep-agent", { last: 1 })),
      onAway: () => this.#tell("the primary is away: turns are kept until it is back"),
      onBack: () => {
        this.#tell("the primary is back");
        this.#waiting.adoptAgain();
      },
    });
    this.#waiting = new WaitingTurns(new Journal(secondary), {
      isAway: () => this.#circuit.isAway,
      store: (memoryId, turn) => this.#circuit.run(() => storeWaiting(this.#primary, memoryId, turn)),
      retryMs: probeMs,
      warn,
      onEmpty: () => this.#tell("all that waited is stored"),
    });
  }

  get status(): FallbackStatus {
    const primary = this.#circuit.isAway ? "away" : "there";
    return { primary, waiting: this.#waiting.memories, refused: this.#waiting.refused };
  }

  /** Runs a call, for which `close` waits. */
  track<R>(call: () => Promise<R>): Promise<R> {
    return this.#calls.run(call);
  }

  async append(memoryId: string, records: readonly object[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    // As it is now: its caller may go on with its objects while this waits.
    const turn: WaitingTurn = { operationId, since: ofPrimary(since), records: structuredClone([...records]) };
    let failure: unknown = new CircuitOpen();
    if (await this.#waiting.hasNone(memoryId, signal)) {
      try {
        const there = { operationId, since: turn.since, expectedRevision: expectation(expectedRevision), signal };
        const primary = await this.#circuit.run(() => this.#primary.append(memoryId, turn.records, there), signal);
        return formatFallbackRevision({ primary, waiting: null });
      } catch (error) {
        if (signal?.aborted || !isUnavailable(error)) throw error;
        failure = error;
      }
    }
    if (!canWait(failure, options)) throw this.#away(memoryId, failure);
    await this.#keep(memoryId, turn, failure, { signal });
    return formatFallbackRevision({
      primary: typeof since === "string" ? parseFallbackRevision(since).primary : null,
      waiting: operationId,
    });
  }

  async read(memoryId: string, options: ReadOptions): Promise<Snapshot<object> | null> {
    const { last, since, before, signal } = options;
    const there = async (): Promise<Snapshot<object> | null> => {
      const given = since ?? before;
      // What was seen waiting is in the log by now, who knows where; a reader who saw nothing of the log begins again.
      const isLost = given !== undefined && !isOfPrimary(parseFallbackRevision(given));
      const place = isLost ? {} : { since: ofPrimary(since) ?? undefined, before: ofPrimary(before) ?? undefined };
      const snapshot = await this.#primary.read(memoryId, { last, signal, ...place });
      if (snapshot === null) return null;
      const { revision, start, reset } = snapshot;
      return {
        ...snapshot,
        revision: formatFallbackRevision({ primary: revision, waiting: null }),
        start: start === null ? null : formatFallbackRevision({ primary: start, waiting: null }),
        reset: reset || isLost,
      };
    };
    // All of a log, and what stands before a place in it, only the primary knows.
    const isPart = before === undefined && (since !== undefined || last !== undefined);
    if (!isPart) return this.atPrimary(memoryId, options, there);
    if (await this.#waiting.hasNone(memoryId, signal)) {
      try {
        return await this.#circuit.run(there, signal);
      } catch (error) {
        if (signal?.aborted || !isUnavailable(error)) throw error;
      }
    }
    return windowOf(await this.#waiting.of(memoryId, { signal }), { since, last });
  }

  load(memoryId: string, options: CallOptions): Promise<object[] | null> {
    return this.atPrimary(memoryId, options, () => this.#primary.load(memoryId, options));
  }

  save(memoryId: string, records: readonly object[], options: SaveOptions): Promise<void> {
    const there = { ...options, expectedRevision: expectation(options.expectedRevision) };
    const copies = structuredClone([...records]);
    return this.atPrimary(memoryId, options, () => this.#primary.save(memoryId, copies, there));
  }

  delete(memoryId: string, options: CallOptions): Promise<void> {
    const remove = (given: CallOptions): Promise<void> =>
      this.#atPrimary(memoryId, given, () => this.#primary.delete(memoryId, given));
    return this.#waiting.deleteAll(memoryId, options, remove, (error) => halfDeleted(memoryId, error));
  }

  async list(options: ListOptions): Promise<string[]> {
    const { prefix = "" } = options;
    const stored = await this.atPrimaryOfMany(options, () => this.#primary.list(options));
    return [...new Set([...stored, ...this.status.waiting.filter((memoryId) => memoryId.startsWith(prefix))])];
  }

  /** A call that only the primary can answer, once nothing waits of that memory. */
  async atPrimary<R>(memoryId: string, options: CallOptions, call: () => Promise<R>): Promise<R> {
    if (await this.#waiting.hasNone(memoryId, options.signal)) return this.#atPrimary(memoryId, options, call);
    throw this.#away(memoryId, new CircuitOpen());
  }

  /** The same for a call about many memories. */
  async atPrimaryOfMany<R>(options: CallOptions, call: () => Promise<R>): Promise<R> {
    await this.#waiting.adopted(options.signal);
    if (!this.#circuit.isAway) await untilAborted(this.#waiting.drain(), options.signal);
    return this.#atPrimary(undefined, options, call);
  }

  async ping(options: CallOptions): Promise<{ latencyMs: number }> {
    try {
      return await this.#circuit.run(() => this.#primary.ping(options), options.signal);
    } catch (error) {
      if (options.signal?.aborted || !isUnavailable(error) || !supports(this.#secondary, "health"))
        throw this.#away(undefined, error);
      return this.#secondary.ping(options);
    }
  }

  /**
   * Stores what waits at the primary, of other processes too. Rejects if that fails; what then still waits goes on
   * waiting.
   */
  async replay(options: CallOptions): Promise<FallbackStatus> {
    try {
      await this.#waiting.storeAll(options);
    } catch (error) {
      throw this.#away(undefined, error);
    }
    return this.status;
  }

  /** Gives up the turns of a memory that wait, and answers their records. */
  discard(memoryId: string, options: CallOptions): Promise<object[][]> {
    return this.#waiting.discard(memoryId, options);
  }

  async close(): Promise<void> {
    this.#circuit.stop();
    await Promise.allSettled([this.#calls.end(), this.#waiting.stop()]);
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

  async #keep(memoryId: string, turn: WaitingTurn, failure: unknown, options: CallOptions): Promise<void> {
    try {
      await this.#waiting.keep(memoryId, turn, options);
    } catch (error) {
      if (!MemoryError.is(error) || options.signal?.aborted) throw error;
      throw neitherTookIt(memoryId, failure, error);
    }
    this.#hear();
  }

  #tell(detail: string): void {
    warn(detail);
    this.#hear();
  }

  /** Whoever wants to hear of the status fails alone. */
  #hear(): void {
    const hear = async (): Promise<unknown> => this.#onStatus?.(this.status);
    hear().catch((error: unknown) => warn(`the onStatus handler failed (${codeOf(error)})`));
  }

  /** The error for a call that the secondary cannot take over, where the primary was not asked. */
  #away(memoryId: string | undefined, error: unknown): unknown {
    if (!(error instanceof CircuitOpen)) return error;
    const what = memoryId === undefined ? "The call" : `The call for memory ${quoteId(memoryId)}`;
    const why = this.#circuit.isAway ? "the primary is away" : "turns of it wait that could not be stored yet";
    return new MemoryError("UNAVAILABLE", `${what} was not made: ${why}.`, {
      memoryId,
      retryable: true,
      hint: "Turns are kept meanwhile; all else has to wait.",
    });
  }
}

/**
 * Stores a turn at the primary that may have been stored there before: once, also if another process does the same at
 * the same time. A turn of which nothing was said is looked for in the whole log.
 */
async function storeWaiting(primary: WholeBackend, memoryId: string, turn: WaitingTurn): Promise<void> {
  const { operationId, since = null, records } = turn;
  await storeOnce(primary, memoryId, { operationId, since, records }, { shared: true });
}

function halfDeleted(memoryId: string, error: unknown): MemoryError {
  const what = `Memory ${quoteId(memoryId)} was deleted at the primary, and what waits of it perhaps not`;
  return new MemoryError("UNAVAILABLE", `${what} (${codeOf(error)}).`, {
    memoryId,
    outcome: "unknown",
    retryable: true,
    hint: "Delete it again, or those turns may begin it again.",
    cause: MemoryError.is(error) ? error : undefined,
  });
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
      hint: "See its cause, and the events.",
      cause: error,
    },
  );
}

/**
 * Whether the turn may be kept for later. What may have reached the primary already is found there by its operation
 * id, if its writer said what it knew; a condition can be judged only there.
 */
function canWait(failure: unknown, { since, expectedRevision }: AppendOptions): boolean {
  const surelyNot = !MemoryError.is(failure) || failure.outcome === "not-applied";
  return expectedRevision === undefined && (surelyNot || since !== undefined);
}

/** The part of a revision that is the primary's. */
function ofPrimary<R extends Revision | null | undefined>(revision: R): Revision | null | R {
  return typeof revision === "string" ? parseFallbackRevision(revision).primary : revision;
}

/**
 * What is expected of the primary. If turns were seen waiting, it has changed since: no revision of it is like that.
 */
function expectation(revision: Revision | null | undefined): Revision | null | undefined {
  if (typeof revision !== "string") return revision;
  return isOfPrimary(parseFallbackRevision(revision)) ? parseFallbackRevision(revision).primary : revision;
}
