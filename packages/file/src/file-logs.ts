import { setTimeout as delay } from "node:timers/promises";
import {
  type AppendOptions,
  decodeEntry,
  KeyedQueue,
  type MemoryInfo,
  newId,
  type Outcome,
  type ReadOptions,
  type Revision,
  type SaveOptions,
  type Snapshot,
  warnOf,
  withUnknownOutcome,
} from "@deep-agent/core/adapter";
import { type Compacted, Compaction } from "./compaction.ts";
import { BACKEND, fileError, flushFailedBefore, isFull, tooContended } from "./file-error.ts";
import type { Generations } from "./generations.ts";
import { encodeHeader } from "./header.ts";
import { type Judgement, judgeAbsent, judgeWrite, type Write } from "./judge-write.ts";
import { knownAppends } from "./kept-appends.ts";
import type { LogFile, LogStat, PlacedLine } from "./log-file.ts";
import { readLog } from "./log-reading.ts";
import { encodeAppend, encodeSave, type Lines, now } from "./log-writing.ts";
import { parseRevision } from "./revision.ts";

/**
 * How many times a write tries to be the next one before it gives up, and how long it waits between tries at most (ms),
 * unless a try takes longer.
 */
const MAX_TRIES = 300;
const MAX_WAIT = 20;

/** Bytes. Before a write of this size or more, it is worth checking once more that it would still be the next one. */
const LARGE = 64 * 1024;

/**
 * The logs of a directory. Implements append, read, save and delete with lines and generations.
 *
 * A write reads the log, is judged, and states in its line where it saw the file end. If another line was written at
 * that place first, the line does not count, and the write starts again. So no writer waits for a lock, and none
 * overwrites another one.
 */
export class FileLogs<T extends object> {
  readonly #generations: Generations;
  readonly #durable: boolean;
  readonly #compaction: Compaction;
  readonly #compactWhen: CompactWhen;
  /** Within this process writes to one memory queue, since only one of them can be next. */
  readonly #queue = new KeyedQueue();
  /**
   * The files (`<epoch>.<generation>`) of which a flush has failed. The system may have dropped what it could not
   * write, and would not report that again.
   */
  readonly #unflushed = new Set<string>();

  constructor(generations: Generations, durable: boolean, compactWhen: CompactWhen) {
    this.#generations = generations;
    this.#durable = durable;
    this.#compactWhen = compactWhen;
    this.#compaction = new Compaction(generations, (log, outcome) => this.#checkFlushes(log, outcome));
  }

  read(memoryId: string, options: ReadOptions): Promise<Snapshot<T> | null> {
    return this.#withLog(memoryId, options.signal, (log, { end }) => readLog<T>(log, end, options));
  }

  /** Counts the records, which reads the whole log. */
  info(memoryId: string, signal: AbortSignal | undefined): Promise<MemoryInfo | null> {
    return this.#withLog(memoryId, signal, async (log, { size, end }) => {
      let records = 0;
      let newest: number | undefined;
      for await (const line of log.back(end)) {
        signal?.throwIfAborted();
        const entry = decodeEntry(line.payload, log.placeOf(line));
        records += entry.records.length;
        newest ??= entry.at;
      }
      if (newest === undefined) return null;
      return {
        records,
        bytes: size,
        createdAt: toMs((await timeOfFirst(log, end)) ?? newest),
        updatedAt: toMs(newest),
        expiresAt: null,
      };
    });
  }

  append(memoryId: string, recordTexts: readonly string[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    const write: Write = { memoryId, operationId, since, expectedRevision };
    return this.#write(write, (start) => encodeAppend(memoryId, operationId, recordTexts, start), signal);
  }

  async save(memoryId: string, recordTexts: readonly string[], options: SaveOptions): Promise<void> {
    const { operationId = newId(), expectedRevision, keepOperations, signal } = options;
    const exhaustive = options.operationId !== undefined;
    const keepsAppends = keepOperations === true;
    const write: Write = { memoryId, operationId, expectedRevision, exhaustive, replaces: true, keepsAppends };
    const encode = (start: number, kept: readonly string[]): Lines =>
      encodeSave(memoryId, operationId, recordTexts, start, kept);
    await this.#write(write, encode, signal);
  }

  /** Publishes an empty next generation, and removes the older ones. */
  async delete(memoryId: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const log = await this.#generations.open(memoryId);
      if (log === null) break;
      try {
        const { end } = await log.stat();
        // Decided by the size, because torn, lost or damaged lines hold text of the memory, too.
        if (end === log.begin) break;
        signal?.throwIfAborted();
        if (await this.#generations.publishNext(log, encodeHeader(memoryId, newId(), now()))) break;
      } finally {
        await log.close();
      }
    }
    await this.#generations.removeOlder(memoryId);
  }

  /** `null`: there is no such memory. */
  compact(memoryId: string, signal: AbortSignal | undefined): Promise<Compacted | null> {
    return this.#queue.run(memoryId, () => this.#compaction.compact(memoryId, signal), signal);
  }

  /** Runs `task` on the current log of the memory; `null`: there is no such memory. */
  async #withLog<R>(
    memoryId: string,
    signal: AbortSignal | undefined,
    task: (log: LogFile, stat: LogStat) => Promise<R | null>,
  ): Promise<R | null> {
    for (;;) {
      signal?.throwIfAborted();
      const log = await this.#generations.open(memoryId);
      if (log === null) return null;
      try {
        const result = await task(log, await log.stat());
        // If the log was replaced before it was read, the result may hold a write that its writer is about to repeat in
        // the new log.
        const current = await this.#generations.isCurrent(log);
        signal?.throwIfAborted();
        if (current) return result;
      } finally {
        await log.close();
      }
    }
  }

  #write(write: Write, encode: Encode, signal: AbortSignal | undefined): Promise<Revision> {
    const { memoryId } = write;
    const attempt: Attempt = { write, encode, signal, reached: "judging", dead: 0, size: 0 };
    const tryOften = async (): Promise<Revision> => {
      for (let tries = 0, started = 0; tries < MAX_TRIES; tries++) {
        signal?.throwIfAborted();
        if (tries > 1)
          await wait(Math.random() * Math.max(Math.min(2 ** tries, MAX_WAIT), performance.now() - started), signal);
        started = performance.now();
        const log = await this.#generations.open(memoryId);
        const revision = log === null ? await this.#create(attempt) : await this.#append(log, attempt);
        if (revision === null) continue;
        if (this.#compactWhen.isDue(attempt)) await this.#compactInPassing(memoryId);
        return revision;
      }
      throw tooContended(memoryId, MAX_TRIES);
    };
    const tryAndTell = async (): Promise<Revision> => {
      try {
        return await tryOften();
      } catch (error) {
        if (attempt.written === undefined) throw error;
        // An earlier try stood in the log, and others may have read it there.
        const told = fileError(error, "write", this.#generations.directory, memoryId, "unknown");
        throw withUnknownOutcome(told, signal);
      }
    };
    return this.#queue.run(memoryId, tryAndTell, signal);
  }

  /** `null`: another process made the memory first. */
  async #create({ write, encode, signal }: Attempt): Promise<Revision | null> {
    judgeAbsent(write);
    signal?.throwIfAborted();
    const epoch = newId();
    const header = encodeHeader(write.memoryId, epoch, now());
    const lines = encode(header.length, []);
    const created = await this.#generations.create(write.memoryId, epoch, Buffer.concat([header, lines.bytes]));
    return created ? lines.revision(epoch) : null;
  }

  /** `null`: another write was first, or the memory has another log now. Closes the log. */
  async #append(log: LogFile, attempt: Attempt): Promise<Revision | null> {
    attempt.reached = "judging";
    try {
      return await this.#appendTo(log, attempt);
    } catch (error) {
      const { reached, written } = attempt;
      const hasNoEffect = written === undefined && (reached === "judging" || (reached === "writing" && isFull(error)));
      throw fileError(error, "write", log.path, log.memoryId, hasNoEffect ? "not-applied" : "unknown");
    }
  }

  async #appendTo(log: LogFile, attempt: Attempt): Promise<Revision | null> {
    try {
      if (attempt.written === undefined || !(await tookPlace(log, attempt.written))) {
        const written = await this.#writeTo(log, attempt);
        if (written === null) return null;
        attempt.written = written;
      }
      attempt.reached = "written";
      // A duplicate is flushed, too: its writer may have been killed before the flush.
      if (this.#durable) await this.#flush(log);
      return (await this.#generations.isCurrent(log)) ? attempt.written : null;
    } finally {
      await log.close(); // some file systems report only here that a write has failed
    }
  }

  /** The revision after this write, or after an earlier attempt at it; `null`: begin again. */
  async #writeTo(log: LogFile, attempt: Attempt): Promise<Revision | null> {
    const { end, missing, duplicate, head } = await judgeToTheEnd(log, attempt);
    if (this.#durable) await this.#checkFlushes(log, duplicate === null ? "not-applied" : "unknown");
    if (head === null && (await log.isSealed(end))) {
      await this.#generations.remove(log);
      return null;
    }
    if (log.moved !== null) {
      await this.#compaction.finish(log, log.moved);
      return null;
    }
    if (duplicate !== null) return log.revisionOf(duplicate);
    if (missing > 0) {
      await log.fill();
      return null;
    }
    const lines = attempt.encode(end, attempt.write.keepsAppends ? await knownAppends(log, end) : []);
    attempt.signal?.throwIfAborted();
    // Encoding a large write takes long, and another write may have come first meanwhile. This one would then be
    // written in vain, and stay in the file.
    if (lines.bytes.length >= LARGE && (await log.stat()).end !== end) return null;
    attempt.reached = "writing";
    if (!(await log.append(lines.bytes, end))) return null;
    if (attempt.write.replaces) attempt.dead = log.bytesBefore(end);
    attempt.size = log.bytesBefore(end) + lines.bytes.length;
    return lines.revision(log.epoch);
  }

  /** Compacts after a write. If that fails, it is only a warning, because the write was made. */
  async #compactInPassing(memoryId: string): Promise<void> {
    try {
      await this.#compaction.compact(memoryId, undefined);
    } catch (error) {
      const detail = `the log could not be compacted: ${error instanceof Error ? error.message : String(error)}`;
      warnOf(BACKEND)(detail, memoryId);
    }
  }

  async #flush(log: LogFile): Promise<void> {
    try {
      await log.sync();
    } catch (error) {
      this.#unflushed.add(nameOf(log));
      throw error;
    }
  }

  /** Rejects if a write to the log might not survive now. */
  async #checkFlushes(log: LogFile, outcome: Outcome): Promise<void> {
    if (this.#unflushed.has(nameOf(log))) throw flushFailedBefore(log.memoryId, log.path, outcome);
    try {
      await this.#generations.flushName(log, outcome);
    } catch (error) {
      throw fileError(error, "write", log.path, log.memoryId, outcome);
    }
  }
}

/** The lines of a write that begins at this place. `kept`: the appends that stay known if it replaces the log. */
type Encode = (start: number, kept: readonly string[]) => Lines;

/** A write, and its progress. */
interface Attempt {
  write: Write;
  encode: Encode;
  signal: AbortSignal | undefined;
  judgement?: Judgement;
  reached: "judging" | "writing" | "written";
  /** The revision after the write, once it stood in a log. */
  written?: Revision;
  /** The bytes of the file that the write has replaced. */
  dead: number;
  /** The size of the file after the write: bytes. */
  size: number;
}

/** Decides whether a log is compacted after a save. */
export interface CompactWhen {
  isDue(file: { dead: number; size: number }): boolean;
}

/** Names a file. The epoch alone does not, because all generations of a compacted log have the same one. */
function nameOf({ epoch, generation }: LogFile): string {
  return `${epoch}.${generation}`;
}

/**
 * Whether this log holds the write already, or held it once. A write must not be made again if a compaction has carried
 * it over, or has left it out because a save replaced it.
 */
async function tookPlace(log: LogFile, written: Revision): Promise<boolean> {
  const place = parseRevision(written);
  if (place === null) return false;
  return log.hasDropped(place) || log.holds(place, (await log.stat()).end);
}

/**
 * Judges the write against everything in the log, including what is written meanwhile, and answers the end that was
 * judged last. So a line that would not count is hardly ever written: it would make other writes lose their races, too.
 */
async function judgeToTheEnd(log: LogFile, attempt: Attempt): Promise<Judgement & { end: number; missing: number }> {
  let { end } = await log.stat();
  for (;;) {
    const judgement = await judgeWrite(log, end, attempt.write, attempt.judgement);
    attempt.judgement = judgement;
    const now = await log.stat();
    if (now.end === end || judgement.duplicate !== null) return { ...judgement, end, missing: now.missing };
    end = now.end;
  }
}

/** Rejects with the reason of the signal, as all calls here do. The error of `delay` would be another one. */
async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** When the first write of the log was made: µs since 1970. `null`: the log has no writes. */
async function timeOfFirst(log: LogFile, end: number): Promise<number | null> {
  if (log.firstAt !== undefined) return log.firstAt;
  let first: PlacedLine | null = null;
  for await (const line of log.all(end)) first = line;
  return first === null ? null : decodeEntry(first.payload, log.placeOf(first)).at;
}

function toMs(microseconds: number): number {
  return Math.floor(microseconds / 1000);
}
