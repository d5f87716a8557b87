import {
  type AppendOptions,
  type CallOptions,
  CallTracker,
  closed,
  type ListOptions,
  type MemoryBackend,
  MemoryError,
  mayHaveTakenEffect,
  newId,
  type PingResult,
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

/** The state of a backend with a fallback. */
export interface FallbackStatus {
  /** `"there"` while calls go to the primary, `"away"` while it is unavailable. */
  primary: "there" | "away";
  /**
   * The ids of memories that have turns waiting at the secondary, as far as this process knows. Empty if nothing waits.
   */
  waiting: string[];
  /**
   * Those of the waiting memories of which the primary has refused a turn for another reason than being unavailable.
   */
  refused: string[];
}

export interface FallbackSettings {
  failures: number;
  probeMs: number;
  onStatus: ((status: FallbackStatus) => unknown) | undefined;
}

/** A primary store, and a secondary that keeps turns while the primary is unavailable. */
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
      onAway: () => this.#report("the primary is unavailable: the secondary keeps turns until it is back"),
      onBack: () => {
        this.#report("the primary is back");
        this.#waiting.adoptAgain();
      },
    });
    this.#waiting = new WaitingTurns(new Journal(secondary), {
      isAway: () => this.#circuit.isAway,
      store: (memoryId, turn) => this.#circuit.run(() => storeWaiting(this.#primary, memoryId, turn)),
      retryMs: probeMs,
      warn,
      onEmpty: () => this.#report("all waiting turns are stored"),
    });
  }

  get status(): FallbackStatus {
    const primary = this.#circuit.isAway ? "away" : "there";
    return { primary, waiting: this.#waiting.memories, refused: this.#waiting.refused };
  }

  /** Runs a call that `close` will wait for. */
  track<R>(call: () => Promise<R>): Promise<R> {
    return this.#calls.run(call);
  }

  async append(memoryId: string, records: readonly object[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    // A copy: the caller may change its objects while this waits.
    const turn: WaitingTurn = { operationId, since: ofPrimary(since), records: structuredClone([...records]) };
    let failure: unknown = new CircuitOpen();
    if (await this.#waiting.isClear(memoryId, signal)) {
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
      // Waiting turns that the reader has seen are in the log by now, at an unknown place. A reader who has not seen
      // the log begins again.
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
    // Only the primary has the whole log, and the pages before a place in it.
    const isPart = before === undefined && (since !== undefined || last !== undefined);
    if (!isPart) return this.atPrimary(memoryId, options, there);
    if (await this.#waiting.isClear(memoryId, signal)) {
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

  /** Makes a call that only the primary can answer, once none of the memory's turns wait. */
  async atPrimary<R>(memoryId: string, options: CallOptions, call: () => Promise<R>): Promise<R> {
    if (await this.#waiting.isClear(memoryId, options.signal)) return this.#atPrimary(memoryId, options, call);
    throw this.#away(memoryId, new CircuitOpen());
  }

  /** Makes such a call about many memories. */
  async atPrimaryOfMany<R>(options: CallOptions, call: () => Promise<R>): Promise<R> {
    await this.#waiting.adopted(options.signal);
    if (!this.#circuit.isAway) await untilAborted(this.#waiting.drain(), options.signal);
    return this.#atPrimary(undefined, options, call);
  }

  async ping(options: CallOptions): Promise<PingResult> {
    try {
      return await this.#circuit.run(() => this.#primary.ping(options), options.signal);
    } catch (error) {
      if (options.signal?.aborted || !isUnavailable(error) || !supports(this.#secondary, "health"))
        throw this.#away(undefined, error);
      return this.#secondary.ping(options);
    }
  }

  /**
   * Stores all waiting turns at the primary, including those of other processes. Rejects if that fails; the remaining
   * turns continue to wait.
   */
  async replay(options: CallOptions): Promise<FallbackStatus> {
    try {
      await this.#waiting.storeAll(options);
    } catch (error) {
      throw this.#away(undefined, error);
    }
    return this.status;
  }

  /** Discards the waiting turns of a memory, and answers their records. */
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
      throw bothFailed(memoryId, failure, error);
    }
    this.#notify();
  }

  #report(detail: string): void {
    warn(detail);
    this.#notify();
  }

  /** A handler that fails must not make a call fail. */
  #notify(): void {
    const notify = async (): Promise<unknown> => this.#onStatus?.(this.status);
    notify().catch((error: unknown) => warn(`the onStatus handler failed (${codeOf(error)})`));
  }

  /** The error of a call that only the primary can answer, if the primary was not called. */
  #away(memoryId: string | undefined, error: unknown): unknown {
    if (!(error instanceof CircuitOpen)) return error;
    const what = memoryId === undefined ? "The call" : `The call for memory ${quoteId(memoryId)}`;
    const why = this.#circuit.isAway
      ? "the primary is unavailable"
      : "some of its turns are still waiting to be stored";
    return new MemoryError("UNAVAILABLE", `${what} was not made: ${why}.`, {
      memoryId,
      retryable: true,
      hint: "New turns are kept until then. Retry this call later.",
    });
  }
}

/**
 * Stores a turn at the primary once, even if it may be stored there already, or if another process stores it at the
 * same time. If its writer did not say what it knew, the whole log is searched for the turn.
 */
async function storeWaiting(primary: WholeBackend, memoryId: string, turn: WaitingTurn): Promise<void> {
  const { operationId, since = null, records } = turn;
  await storeOnce(primary, memoryId, { operationId, since, records }, { shared: true });
}

function halfDeleted(memoryId: string, error: unknown): MemoryError {
  const what = `Memory ${quoteId(memoryId)} was deleted at the primary, but perhaps not its waiting turns`;
  return new MemoryError("UNAVAILABLE", `${what} (${codeOf(error)}).`, {
    memoryId,
    outcome: "unknown",
    retryable: true,
    hint: "Delete it again; otherwise those turns may create it again.",
    cause: MemoryError.is(error) ? error : undefined,
  });
}

function bothFailed(memoryId: string, failure: unknown, error: MemoryError): MemoryError {
  const surelyNot = [failure, error].every((one) => one instanceof CircuitOpen || !mayHaveTakenEffect(one));
  const what = surelyNot ? "was not written" : "may not have been written";
  return new MemoryError(
    "UNAVAILABLE",
    `Memory ${quoteId(memoryId)} ${what}: the primary is unavailable, and the secondary failed (${error.code}).`,
    {
      memoryId,
      outcome: surelyNot ? "not-applied" : "unknown",
      retryable: true,
      hint: "See the cause, and the events on `deep-agent:backend`.",
      cause: error,
    },
  );
}

/**
 * Whether the turn may be kept for later. If it may have reached the primary already, its operation id finds it there,
 * but only if its writer said what it knew. A condition can be judged only by the primary.
 */
function canWait(failure: unknown, { since, expectedRevision }: AppendOptions): boolean {
  const surelyNot = failure instanceof CircuitOpen || !mayHaveTakenEffect(failure);
  return expectedRevision === undefined && (surelyNot || since !== undefined);
}

/** The primary's part of a revision. */
function ofPrimary<R extends Revision | null | undefined>(revision: R): Revision | null | R {
  return typeof revision === "string" ? parseFallbackRevision(revision).primary : revision;
}

/**
 * The revision that the primary is expected to have. If the caller has seen waiting turns, the primary has changed
 * since: then the revision is passed on as it is, which the primary never has.
 */
function expectation(revision: Revision | null | undefined): Revision | null | undefined {
  if (typeof revision !== "string") return revision;
  return isOfPrimary(parseFallbackRevision(revision)) ? parseFallbackRevision(revision).primary : revision;
}
