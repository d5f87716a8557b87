import {
  type AppendOptions,
  backendChannel,
  type CallOptions,
  KeyedSerial,
  type ListOptions,
  type LogCapability,
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
import { decodeKnown, encodeKnown } from "./fallback-revision.ts";
import { Journal, type WaitingTurn } from "./journal.ts";
import { type WholeBackend, whole } from "./layer.ts";
import { replay } from "./replay.ts";
import { windowOf } from "./waiting-window.ts";

/** How a backend with a fallback is. */
export interface FallbackStatus {
  /** Whether calls are made at the primary. */
  primary: "there" | "away";
  /** The memories of which turns wait at the secondary, as far as this process knows. */
  waiting: string[];
}

export interface FallbackSettings {
  failures: number;
  probeMs: number;
  onStatus: ((status: FallbackStatus) => void) | undefined;
}

type LogBackend = MemoryBackend<object> & LogCapability<object>;

/** A primary store, and a secondary that keeps turns for it while it is away. */
export class Fallback {
  readonly #primary: WholeBackend;
  readonly #secondary: LogBackend;
  readonly #journal: Journal;
  readonly #circuit: Circuit;
  readonly #settings: FallbackSettings;
  /** What waits of one memory is added to and taken away from by one task at a time. */
  readonly #queue = new KeyedSerial();
  /** By memory, the operations of turns that wait no more, though they are still kept. */
  readonly #waiting = new Map<string, Set<string>>();
  #adopting: Promise<void> | undefined;
  #draining: Promise<void> | undefined;
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
        this.#drainSoon();
      },
    });
  }

  get status(): FallbackStatus {
    return { primary: this.#circuit.isAway ? "away" : "there", waiting: [...this.#waiting.keys()] };
  }

  async append(memoryId: string, records: readonly object[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    const known = typeof since === "string" ? decodeKnown(since) : undefined;
    // As it is now: its caller may go on with its objects while this waits.
    const turn: WaitingTurn = { operationId, since: ofPrimary(since), records: structuredClone([...records]) };
    let failure: unknown = new LeftAlone();
    if (await this.#hasCaughtUp(memoryId, signal)) {
      try {
        const there = { operationId, since: turn.since, expectedRevision: expectation(expectedRevision), signal };
        const primary = await this.#circuit.run(() => this.#primary.append(memoryId, turn.records, there));
        return encodeKnown({ primary, waiting: null });
      } catch (error) {
        if (!isAbsence(error)) throw error;
        failure = error;
      }
    }
    if (!canWait(failure, options)) throw this.#away(memoryId, failure);
    await this.#keep(memoryId, turn, failure, { signal });
    return encodeKnown({ primary: known?.primary ?? null, waiting: operationId });
  }

  async read(memoryId: string, options: ReadOptions): Promise<Snapshot<object> | null> {
    const { last, since, before, signal } = options;
    return this.#orWaiting(
      memoryId,
      signal,
      async () => {
        // What was seen waiting is in the log by now, who knows where.
        const isPast = hasWaited(since) || hasWaited(before);
        const place = isPast ? {} : { since: ofPrimary(since) ?? undefined, before: ofPrimary(before) ?? undefined };
        const snapshot = await this.#primary.read(memoryId, { last, signal, ...place });
        if (snapshot === null) return null;
        const { revision, start, reset } = snapshot;
        return {
          ...snapshot,
          revision: encodeKnown({ primary: revision, waiting: null }),
          start: start === null ? null : encodeKnown({ primary: start, waiting: null }),
          reset: reset || isPast,
        };
      },
      (turns) => windowOf(turns, options),
    );
  }

  load(memoryId: string, options: CallOptions): Promise<object[] | null> {
    return this.#orWaiting(
      memoryId,
      options.signal,
      () => this.#primary.load(memoryId, options),
      (turns) => windowOf(turns, {})?.records ?? null,
    );
  }

  save(memoryId: string, records: readonly object[], options: SaveOptions): Promise<void> {
    const there = { ...options, expectedRevision: expectation(options.expectedRevision) };
    const copies = structuredClone([...records]);
    return this.atPrimary(memoryId, options, () => this.#primary.save(memoryId, copies, there));
  }

  /** Also what waits, of whatever process; and what another process has stored of that meanwhile. */
  delete(memoryId: string, options: CallOptions): Promise<void> {
    const remove = (): Promise<void> => this.#atPrimary(memoryId, () => this.#primary.delete(memoryId, options));
    const removeAll = async (): Promise<void> => {
      await remove();
      const { turns } = await this.#journal.read(memoryId, options);
      await this.#journal.delete(memoryId, options);
      if (turns.length > 0) await remove();
      this.#waiting.delete(memoryId);
    };
    this.#checkOpen();
    return this.#queue.run(memoryId, removeAll, options.signal);
  }

  async list(options: ListOptions): Promise<string[]> {
    const { prefix = "", signal } = options;
    await this.#adopted(signal);
    if (!this.#circuit.isAway) await untilAborted(this.#drain(), signal);
    const stored = await this.#atPrimary(undefined, () => this.#primary.list(options));
    return [...new Set([...stored, ...this.status.waiting.filter((memoryId) => memoryId.startsWith(prefix))])];
  }

  /** A call that only the primary can answer, once nothing waits of that memory. */
  async atPrimary<R>(memoryId: string, { signal }: CallOptions, call: () => Promise<R>): Promise<R> {
    if (await this.#hasCaughtUp(memoryId, signal)) return this.#atPrimary(memoryId, call);
    throw this.#away(memoryId, new LeftAlone());
  }

  /** The same for a call about many memories. */
  async atPrimaryOfMany<R>({ signal }: CallOptions, call: () => Promise<R>): Promise<R> {
    await this.#adopted(signal);
    if (!this.#circuit.isAway) await untilAborted(this.#drain(), signal);
    return this.#atPrimary(undefined, call);
  }

  async ping(options: CallOptions): Promise<{ latencyMs: number }> {
    this.#checkOpen();
    try {
      return await this.#circuit.run(() => this.#primary.ping(options));
    } catch (error) {
      if (!isAbsence(error) || !supports(this.#secondary, "health")) throw this.#away(undefined, error);
      return this.#secondary.ping(options);
    }
  }

  /** Stores what waits at the primary. Rejects where that fails; what then still waits goes on waiting. */
  async replay({ signal }: CallOptions): Promise<FallbackStatus> {
    await this.#adopted(signal);
    for (const memoryId of this.#waiting.keys()) await untilAborted(this.#replayOne(memoryId), signal);
    return this.status;
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#circuit.stop();
    }
    await this.#draining;
    for (const backend of [this.#primary, this.#secondary])
      if (supports(backend as MemoryBackend<object>, "lifecycle")) await (backend as WholeBackend).close();
  }

  /** The primary's answer, or where it is away, one made of the turns that wait. */
  async #orWaiting<R>(
    memoryId: string,
    signal: AbortSignal | undefined,
    there: () => Promise<R>,
    waiting: (turns: readonly WaitingTurn[]) => R,
  ): Promise<R> {
    if (await this.#hasCaughtUp(memoryId, signal)) {
      try {
        return await this.#circuit.run(there);
      } catch (error) {
        if (!isAbsence(error)) throw error;
      }
    }
    return waiting((await this.#journal.read(memoryId, { signal })).turns);
  }

  async #atPrimary<R>(memoryId: string | undefined, call: () => Promise<R>): Promise<R> {
    this.#checkOpen();
    try {
      return await this.#circuit.run(call);
    } catch (error) {
      if (error instanceof LeftAlone) throw this.#away(memoryId, error);
      throw error;
    }
  }

  /** Whether nothing of the memory waits, or no more, so that the primary has all of it. */
  async #hasCaughtUp(memoryId: string, signal: AbortSignal | undefined): Promise<boolean> {
    await this.#adopted(signal);
    if (!this.#waiting.has(memoryId)) return true;
    if (this.#circuit.isAway) return false;
    try {
      await untilAborted(this.#replayOne(memoryId), signal);
    } catch (error) {
      signal?.throwIfAborted();
      this.#notReplayed(memoryId, error);
      return false;
    }
    return !this.#waiting.has(memoryId);
  }

  async #keep(memoryId: string, turn: WaitingTurn, failure: unknown, options: CallOptions): Promise<void> {
    const add = async (): Promise<void> => {
      this.#expect(memoryId);
      await this.#journal.add(memoryId, turn, options);
    };
    try {
      await this.#queue.run(memoryId, add, options.signal);
    } catch (error) {
      if (!MemoryError.is(error)) throw error;
      const outcomes = [failure, error].map((one) => (MemoryError.is(one) ? one.outcome : "not-applied"));
      throw new MemoryError(
        "UNAVAILABLE",
        `Memory ${quoteId(memoryId)} was not written: the primary is away, and the secondary failed, too (${error.code}).`,
        {
          memoryId,
          outcome: outcomes.every((outcome) => outcome === "not-applied") ? "not-applied" : "unknown",
          retryable: true,
          hint: "See the cause for the secondary, and the events for the primary.",
          cause: error,
        },
      );
    }
    this.#settings.onStatus?.(this.status);
  }

  /** Stores the turns of one memory that wait, in order. What does not succeed goes on waiting. */
  #replayOne(memoryId: string): Promise<void> {
    return this.#queue.run(memoryId, async () => {
      for (let stored = this.#waiting.get(memoryId); stored !== undefined; stored = this.#waiting.get(memoryId)) {
        const waiting = await this.#journal.read(memoryId, {});
        for (const turn of waiting.turns) {
          if (stored.has(turn.operationId)) continue;
          await this.#circuit.run(() => replay(this.#primary, memoryId, turn, {}));
          stored.add(turn.operationId);
        }
        if (waiting.turns.length === 0 || (await this.#journal.clear(memoryId, waiting, {}))) {
          this.#waiting.delete(memoryId);
        }
      }
    });
  }

  #expect(memoryId: string): void {
    if (!this.#waiting.has(memoryId)) this.#waiting.set(memoryId, new Set());
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

  /** Takes charge, once, of what an earlier process left waiting. */
  async #adopted(signal: AbortSignal | undefined): Promise<void> {
    this.#checkOpen();
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
    if (isAbsence(error)) return; // known, and told of
    this.#warn(memoryId, `turns that wait could not be stored at the primary, and go on waiting (${codeOf(error)})`);
  }

  #tell(detail: string): void {
    this.#warn(undefined, detail);
    this.#settings.onStatus?.(this.status);
  }

  #warn(memoryId: string | undefined, detail: string): void {
    backendChannel.publish({
      type: "warning",
      backend: "fallback",
      ...(memoryId !== undefined && { memoryId }),
      detail,
    });
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new MemoryError("CLOSED", "This backend with a fallback was closed.", { hint: "Make a new one." });
  }

  /** The error for a call that the secondary cannot take over. */
  #away(memoryId: string | undefined, error: unknown): unknown {
    if (!(error instanceof LeftAlone)) return error;
    const what = memoryId === undefined ? "The call" : `The call for memory ${quoteId(memoryId)}`;
    return new MemoryError("UNAVAILABLE", `${what} was not made: the primary is away.`, {
      memoryId,
      retryable: true,
      hint: "Turns are kept meanwhile; deleting, replacing, listing and writes on a condition have to wait.",
    });
  }
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

function hasWaited(revision: Revision | undefined): boolean {
  return revision !== undefined && (decodeKnown(revision)?.waiting ?? null) !== null;
}

/** The part of a revision that is the primary's. What is none of ours is for the primary to judge. */
function ofPrimary<R extends Revision | null | undefined>(revision: R): Revision | null | R {
  if (typeof revision !== "string") return revision;
  const known = decodeKnown(revision);
  return known === undefined ? revision : known.primary;
}

/** What is expected of the primary. Where turns were seen waiting, it has changed since: no revision of it is like that. */
function expectation(revision: Revision | null | undefined): Revision | null | undefined {
  if (typeof revision !== "string") return revision;
  return hasWaited(revision) ? revision : ofPrimary(revision);
}

function codeOf(error: unknown): string {
  return MemoryError.is(error) ? error.code : "unexpected";
}
