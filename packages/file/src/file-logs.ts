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
} from "@deep-agent/core/adapter";
import { type Compacted, Compaction } from "./compaction.ts";
import { BACKEND, fileError, flushFailedBefore, isFull, tooContended } from "./file-error.ts";
import type { Generations } from "./generations.ts";
import { encodeHeader } from "./header.ts";
import { type Judgement, judgeAbsent, judgeWrite, type Write } from "./judge-write.ts";
import type { LogFile, LogStat, PlacedLine } from "./log-file.ts";
import { readLog } from "./log-reading.ts";
import { encodeAppend, encodeSave, type Lines, now } from "./log-writing.ts";
import { parseRevision } from "./revision.ts";

/**
 * How often a write tries to be the next one before it gives up, and how long it waits between tries at most (ms), unless a
 * try takes longer.
 */
const MAX_TRIES = 300;
const MAX_WAIT = 20;

/** From how many bytes on it is worth another look at the file whether a write would still be the next one. */
const LARGE = 64 * 1024;

/**
 * The logs of a directory: what an append, a read, a save and a delete are, made of lines and generations.
 *
 * A write looks at the log, is judged, and states the end of the file that it saw. If another line has come to stand there
 * first, it does not count, and the write starts over: nobody waits for a lock, and nobody overwrites.
 */
export class FileLogs<T extends object> {
  readonly #generations: Generations;
  readonly #durable: boolean;
  readonly #compaction: Compaction;
  readonly #compactWhen: CompactWhen;
  /** Within this process writes to one memory queue, since only one of them can be next. */
  readonly #queue = new KeyedQueue();
  /** Files of which a flush has failed, by their identity: the system may have dropped what it could not write, and would not say so again. */
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
    const { operationId = newId(), expectedRevision, signal } = options;
    const exhaustive = options.operationId !== undefined;
    const write: Write = { memoryId, operationId, expectedRevision, exhaustive, replaces: true };
    await this.#write(write, (start) => encodeSave(memoryId, operationId, recordTexts, start), signal);
  }

  /** Publishes an empty next generation, and removes the older ones. */
  async delete(memoryId: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const log = await this.#generations.open(memoryId);
      if (log === null) break;
      try {
        const { end } = await log.stat();
        // By its size: also what was torn, lost a race or is damaged is somebody's text.
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

  /** Runs `task` on the memory's log as it is now; `null`: there is none. */
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
        // Had it been replaced before we read, what was read might be a write that is about to move on.
        const current = await this.#generations.isCurrent(log);
        signal?.throwIfAborted();
        if (current) return result;
      } finally {
        await log.close();
      }
    }
  }

  #write(write: Write, encode: (start: number) => Lines, signal: AbortSignal | undefined): Promise<Revision> {
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
    return this.#queue.run(memoryId, tryOften, signal);
  }

  /** `null`: somebody else made the memory first. */
  async #create({ write, encode, signal }: Attempt): Promise<Revision | null> {
    judgeAbsent(write);
    signal?.throwIfAborted();
    const epoch = newId();
    const header = encodeHeader(write.memoryId, epoch, now());
    const lines = encode(header.length);
    const created = await this.#generations.create(write.memoryId, epoch, Buffer.concat([header, lines.bytes]));
    return created ? lines.revision(epoch) : null;
  }

  /** `null`: somebody else was next, or the log is no longer the memory's. Closes the log. */
  async #append(log: LogFile, attempt: Attempt): Promise<Revision | null> {
    attempt.reached = "judging";
    try {
      return await this.#appendTo(log, attempt);
    } catch (error) {
      const { reached, written } = attempt;
      const traceless = written === undefined && (reached === "judging" || (reached === "writing" && isFull(error)));
      throw fileError(error, "write", log.path, log.memoryId, traceless ? "not-applied" : "unknown");
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
      // Also for a duplicate: whoever wrote it may have been killed before the flush.
      if (this.#durable) await this.#flush(log);
      return (await this.#generations.isCurrent(log)) ? attempt.written : null;
    } finally {
      await log.close(); // some file systems tell only here what became of a write
    }
  }

  /** The revision behind what was written, or is there from before; `null`: begin anew. */
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
    const lines = attempt.encode(end);
    attempt.signal?.throwIfAborted();
    // What took long to encode may have been overtaken meanwhile: it would be written in vain, and stay in the file.
    if (lines.bytes.length >= LARGE && (await log.stat()).end !== end) return null;
    attempt.reached = "writing";
    if (!(await log.append(lines.bytes, end))) return null;
    if (attempt.write.replaces) attempt.dead = log.bytesBefore(end);
    attempt.size = log.bytesBefore(end) + lines.bytes.length;
    return lines.revision(log.epoch);
  }

  /** Behind a write that was made: whatever becomes of it, the write stands. */
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

  /** Rejects where what is written to the log now might not survive. */
  async #checkFlushes(log: LogFile, outcome: Outcome): Promise<void> {
    if (this.#unflushed.has(nameOf(log))) throw flushFailedBefore(log.memoryId, log.path, outcome);
    try {
      await this.#generations.flushName(log, outcome);
    } catch (error) {
      throw fileError(error, "write", log.path, log.memoryId, outcome);
    }
  }
}

/** A write, and how far it has come. */
interface Attempt {
  write: Write;
  encode: (start: number) => Lines;
  signal: AbortSignal | undefined;
  judgement?: Judgement;
  reached: "judging" | "writing" | "written";
  /** The revision behind it, once it stood in a log. */
  written?: Revision;
  /** How many bytes of the file, and of how many, it has replaced. */
  dead: number;
  size: number;
}

/** When a log is compacted behind a save. */
export interface CompactWhen {
  isDue(file: { dead: number; size: number }): boolean;
}

/** Names a file: the generations of a log that was compacted have one epoch. */
function nameOf({ epoch, generation }: LogFile): string {
  return `${epoch}.${generation}`;
}

/**
 * Whether a write is part of this log's past, as it was when it was made. What a compaction has carried over, or left out since
 * a save replaced it, must not be made again.
 */
async function tookPlace(log: LogFile, written: Revision): Promise<boolean> {
  const place = parseRevision(written);
  if (place === null) return false;
  return log.hasDropped(place) || log.holds(place, (await log.stat()).end);
}

/**
 * Judges the write against all that is there, also against what comes meanwhile, and answers the end that was judged last.
 * What would not count is so hardly ever written: it would make the others lose as well.
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

/** Rejects with the signal's own reason, as everything else here. */
async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/** When the first write that stands in the file was made: µs since 1970. `null`: there is none. */
async function timeOfFirst(log: LogFile, end: number): Promise<number | null> {
  if (log.firstAt !== undefined) return log.firstAt;
  let first: PlacedLine | null = null;
  for await (const line of log.all(end)) first = line;
  return first === null ? null : decodeEntry(first.payload, log.placeOf(first)).at;
}

function toMs(microseconds: number): number {
  return Math.floor(microseconds / 1000);
}
