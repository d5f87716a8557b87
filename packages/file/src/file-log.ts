import { setTimeout as delay } from "node:timers/promises";
import {
  type AppendOptions,
  decodeEntry,
  KeyedSerial,
  type MemoryInfo,
  newId,
  type Outcome,
  type ReadOptions,
  type Revision,
  type SaveOptions,
  type Snapshot,
} from "@deep-agent/core";
import { fileError, flushFailedBefore, isFull, tooContended } from "./file-error.ts";
import type { Generations } from "./generations.ts";
import { encodeHeader } from "./header.ts";
import { type Judgement, judge, judgeAbsent, type Write } from "./judgement.ts";
import type { LogFile, PlacedLine } from "./log-file.ts";
import { readLog } from "./log-reading.ts";
import { encodeAppend, encodeSave, type Lines, now } from "./log-writing.ts";

/**
 * How often a write tries to be the next one before it gives up, and how long it waits between tries at most (ms), unless a
 * try takes longer.
 */
const MAX_TRIES = 300;
const LONGEST_WAIT = 20;

/** From how many bytes on it is worth another look at the file whether a write would still be the next one. */
const LARGE = 64 * 1024;

/**
 * The logs of a directory: what an append, a read, a save and a delete are, made of lines and generations.
 *
 * A write looks at the log, is judged, and states the end of the file that it saw. If another line has come to stand there
 * first, it does not count, and the write starts over: nobody waits for a lock, and nobody overwrites.
 */
export class FileLog<T extends object> {
  readonly #generations: Generations;
  readonly #durable: boolean;
  /** Within this process writes to one memory queue, since only one of them can be next. */
  readonly #queue = new KeyedSerial();
  /** Epochs of logs of which a flush has failed: the system may have dropped what it could not write, and would not say so again. */
  readonly #unflushed = new Set<string>();

  constructor(generations: Generations, durable: boolean) {
    this.#generations = generations;
    this.#durable = durable;
  }

  read(memoryId: string, options: ReadOptions): Promise<Snapshot<T> | null> {
    return this.#withLog(memoryId, options.signal, (log, end) => readLog<T>(log, end, options));
  }

  /** Counts the records, which reads the whole log. */
  info(memoryId: string, signal: AbortSignal | undefined): Promise<MemoryInfo | null> {
    return this.#withLog(memoryId, signal, async (log, end) => {
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
        bytes: end,
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
    const write: Write = { memoryId, operationId, expectedRevision, exhaustive };
    await this.#write(write, (start) => encodeSave(memoryId, operationId, recordTexts, start), signal);
  }

  /** Publishes an empty next generation, and removes the older ones. */
  async delete(memoryId: string, signal: AbortSignal | undefined): Promise<void> {
    for (;;) {
      signal?.throwIfAborted();
      const log = await this.#generations.open(memoryId);
      if (log === null) break;
      try {
        const { size } = await log.stat();
        // By its size: also what was torn, lost a race or is damaged is somebody's text.
        if (size === log.begin) break;
        signal?.throwIfAborted();
        if (await this.#generations.publishNext(log, encodeHeader(memoryId, newId(), now()))) break;
      } finally {
        await log.close();
      }
    }
    await this.#generations.removeOlder(memoryId);
  }

  /** Runs `task` on the memory's log as it is now; `null`: there is none. */
  async #withLog<R>(
    memoryId: string,
    signal: AbortSignal | undefined,
    task: (log: LogFile, end: number) => Promise<R | null>,
  ): Promise<R | null> {
    for (;;) {
      signal?.throwIfAborted();
      const log = await this.#generations.open(memoryId);
      if (log === null) return null;
      try {
        const { size } = await log.stat();
        const result = await task(log, size);
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
    const attempt: Attempt = { write, encode, signal, judgement: undefined, reached: "judging" };
    const tryOften = async (): Promise<Revision> => {
      for (let tries = 0, started = 0; tries < MAX_TRIES; tries++) {
        signal?.throwIfAborted();
        if (tries > 1)
          await wait(Math.random() * Math.max(Math.min(2 ** tries, LONGEST_WAIT), performance.now() - started), signal);
        started = performance.now();
        const log = await this.#generations.open(memoryId);
        const revision = log === null ? await this.#create(attempt) : await this.#append(log, attempt);
        if (revision !== null) return revision;
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
      const { reached } = attempt;
      const traceless = reached === "judging" || (reached === "writing" && isFull(error));
      throw fileError(error, "write", log.path, log.memoryId, traceless ? "not-applied" : "unknown");
    }
  }

  async #appendTo(log: LogFile, attempt: Attempt): Promise<Revision | null> {
    try {
      const { size, duplicate, head } = await judgeToTheEnd(log, attempt);
      if (this.#durable) await this.#checkFlushes(log, duplicate === null ? "not-applied" : "unknown");
      if (head === null && (await log.isSealed(size))) {
        await this.#generations.remove(log);
        return null;
      }
      const lines = duplicate === null ? attempt.encode(size) : null;
      if (lines !== null) {
        attempt.signal?.throwIfAborted();
        // What took long to encode may have been overtaken meanwhile: it would be written in vain, and stay in the file.
        if (lines.bytes.length >= LARGE && (await log.stat()).size !== size) return null;
        attempt.reached = "writing";
        if (!(await log.append(lines.bytes, size))) return null;
      }
      attempt.reached = "written";
      // Also for a duplicate: whoever wrote it may have been killed before the flush.
      if (this.#durable) await this.#flush(log);
      if (!(await this.#generations.isCurrent(log))) return null;
      return duplicate === null ? (lines as Lines).revision(log.epoch) : log.revisionOf(duplicate); // one or the other
    } finally {
      await log.close(); // some file systems tell only here what became of a write
    }
  }

  async #flush(log: LogFile): Promise<void> {
    try {
      await log.sync();
    } catch (error) {
      this.#unflushed.add(log.epoch);
      throw error;
    }
  }

  /** Rejects where what is written to the log now might not survive. */
  async #checkFlushes(log: LogFile, outcome: Outcome): Promise<void> {
    if (this.#unflushed.has(log.epoch)) throw flushFailedBefore(log.memoryId, log.path, outcome);
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
  judgement: Judgement | undefined;
  reached: "judging" | "writing" | "written";
}

/**
 * Judges the write against all that is there, also against what comes meanwhile, and answers the size that was judged last.
 * What would not count is so hardly ever written: it would make the others lose as well.
 */
async function judgeToTheEnd(log: LogFile, attempt: Attempt): Promise<Judgement & { size: number }> {
  let { size } = await log.stat();
  for (;;) {
    const judgement = await judge(log, size, attempt.write, attempt.judgement);
    attempt.judgement = judgement;
    const { size: now } = await log.stat();
    if (now === size || judgement.duplicate !== null) return { ...judgement, size };
    size = now;
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
  let first: PlacedLine | null = null;
  for await (const line of log.all(end)) first = line;
  return first === null ? null : decodeEntry(first.payload, log.placeOf(first)).at;
}

function toMs(microseconds: number): number {
  return Math.floor(microseconds / 1000);
}
