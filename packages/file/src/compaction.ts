import type { Outcome } from "@deep-agent/core/adapter";
import { corrupt, fileError, tooContended } from "./file-error.ts";
import type { Generations } from "./generations.ts";
import { type Carried, encodeHeader } from "./header.ts";
import { findLiveSegments, type LiveSegments } from "./live-segments.ts";
import { encodeSeal, type LogFile, type Moved } from "./log-file.ts";
import { now } from "./log-writing.ts";
import { encodeKept } from "./segments.ts";

/**
 * How many times a compaction starts again, and how many times it then tries to write the seal at the end of the log.
 */
const MAX_TRIES = 20;
const MAX_SEALS = 300;

/** How much is copied at a time: bytes. */
const CHUNK = 1024 * 1024;

/** What a compaction did to the size of a memory's file. Both sizes are equal if there was nothing to leave out. */
export interface Compacted {
  /** The size of the file before the compaction: bytes. */
  before: number;
  /** The size of the file after the compaction: bytes. */
  after: number;
}

/**
 * Makes a log smaller: copies everything that still counts into a next generation.
 *
 * A seal ends the old file. Like every line, a seal counts only if it stands where it says. So all acknowledged writes
 * stand before it, and that part of the file does not change any more. Every process that finds the seal can make the
 * next file; the first to link its file wins. The epoch and the places in the log stay the same, so only the size shows
 * the difference.
 */
export class Compaction {
  readonly #generations: Generations;
  readonly #checkWritable: (log: LogFile, outcome: Outcome) => Promise<void>;

  /** `checkWritable` rejects if the log must not be written to. */
  constructor(generations: Generations, checkWritable: (log: LogFile, outcome: Outcome) => Promise<void>) {
    this.#generations = generations;
    this.#checkWritable = checkWritable;
  }

  /** `null`: there is no such memory. Rejects with `CORRUPT` if the log is damaged, unless damage is skipped. */
  async compact(memoryId: string, signal: AbortSignal | undefined): Promise<Compacted | null> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      signal?.throwIfAborted();
      const log = await this.#generations.open(memoryId);
      if (log === null) return null;
      try {
        const compacted = await this.#compact(log, tries, signal);
        if (compacted !== "again") return compacted;
      } catch (error) {
        throw fileError(error, "compact", log.path, memoryId, "not-applied");
      } finally {
        await log.close();
      }
    }
    throw tooContended(memoryId, MAX_TRIES);
  }

  /**
   * Makes the file that a seal announces. Answers its size; `null`: another process made it first, or deleted the
   * memory.
   */
  async finish(log: LogFile, { start, modifiedAt }: Moved): Promise<number | null> {
    const found = await findLiveSegments(log, start, false);
    if (found === null)
      throw corrupt(
        log.memoryId,
        log.path,
        start,
        "its seal announces a next file, but nothing is left to copy into it",
      );
    const successor = new Successor(log, found, start);
    return this.#publish(log, successor, modifiedAt);
  }

  async #compact(log: LogFile, tries: number, signal: AbortSignal | undefined): Promise<Compacted | null | "again"> {
    const { size, end, missing, modifiedAt } = await log.stat();
    const found = await findLiveSegments(log, end, true);
    if (log.moved !== null) {
      const after = await this.finish(log, log.moved);
      return after === null ? "again" : { before: size, after };
    }
    const successor = found === null ? null : new Successor(log, found, end);
    if (successor === null || successor.size >= size) {
      if (!(await this.#generations.isCurrent(log))) return "again";
      return successor && { before: size, after: size };
    }
    await this.#checkWritable(log, "not-applied");
    if (missing > 0) {
      await log.fill();
      return "again";
    }
    signal?.throwIfAborted();
    // The copy is made before the seal, so that nothing changes if the disk is too full for the copy.
    const seal = (): Promise<boolean> => log.append(encodeSeal(end, toMicroseconds(modifiedAt)), end);
    const after = await this.#publish(log, successor, toMicroseconds(modifiedAt), seal);
    if (after !== null) return { before: size, after };
    // Other writers are faster than this copy. There is room for the copy, so this time the seal may come first.
    if (tries > 0 && log.moved === null) await sealAtTheEnd(log, end);
    return "again";
  }

  async #publish(
    log: LogFile,
    successor: Successor,
    modifiedAt: number,
    seal?: () => Promise<boolean>,
  ): Promise<number | null> {
    if (!(await this.#generations.publishSuccessor(log, successor.content(), modifiedAt, seal))) return null;
    await this.#generations.removeOlder(log.memoryId);
    return successor.size;
  }
}

/** Seals the log at its end, even if other writers keep moving that end. */
async function sealAtTheEnd(log: LogFile, surveyed: number): Promise<void> {
  for (let tries = 0, seen = surveyed; tries < MAX_SEALS; tries++) {
    const { end, modifiedAt } = await log.stat();
    for await (const line of log.back(end, seen)) if (line.end > 0) break; // sets `log.moved` if a seal stands there
    if (log.moved !== null || (await log.append(encodeSeal(end, toMicroseconds(modifiedAt)), end))) return;
    seen = end;
  }
}

/** The file in which a log continues. */
class Successor {
  readonly size: number;
  readonly #log: LogFile;
  readonly #found: LiveSegments;
  readonly #head: Buffer;

  constructor(log: LogFile, found: LiveSegments, end: number) {
    this.#log = log;
    this.#found = found;
    const kept = encodeKept(found.segments, end);
    const bytes = found.segments.reduce((sum, segment) => sum + segment.end - segment.start, 0);
    const carried: Carried = { map: kept.length, bytes, from: found.from, end, first: found.first };
    this.#head = Buffer.concat([encodeHeader(log.memoryId, log.epoch, now(), carried), kept]);
    this.size = this.#head.length + bytes;
  }

  async *content(): AsyncGenerator<Buffer> {
    yield this.#head;
    for (const { start, end } of this.#found.segments) {
      for (let place = start; place < end; ) {
        const bytes = await this.#log.read(place, Math.min(CHUNK, end - place));
        if (bytes.length === 0)
          throw corrupt(this.#log.memoryId, this.#log.path, place, "the file became shorter while it was copied");
        yield bytes;
        place += bytes.length;
      }
    }
  }
}

function toMicroseconds(nanoseconds: bigint): number {
  return Number(nanoseconds / 1000n);
}
