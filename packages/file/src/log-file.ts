import { newId, parseJson, quoteId, type Revision } from "@deep-agent/core/adapter";
import { corrupt, diskFull } from "./file-error.ts";
import type { FileStat, OpenFile } from "./file-system.ts";
import { type Header, readHeader } from "./header.ts";
import { encodeLine, encodeTorn, type Line, NEWLINE, parseLine } from "./line.ts";
import { FIRST_BLOCK, linesBack, type RawLine } from "./line-reader.ts";
import { formatRevision, type Place } from "./revision.ts";
import { Segments } from "./segments.ts";

/**
 * The line behind which nothing counts. With `modifiedAt`, that of the file before it (µs since 1970), it announces that the log
 * goes on in the next generation: whoever finds no such file makes it.
 */
export function encodeSeal(start: number, modifiedAt?: number): Buffer {
  return encodeLine("seal", start, JSON.stringify({ t: newId(), next: modifiedAt }));
}

/** The seal that announces a successor: where it stands, and when the file was modified before. */
export interface Moved {
  start: number;
  modifiedAt: number;
}

/** A line that counts, and where it stands: from its newline (`start`) to behind its bracket (`end`). */
export interface PlacedLine extends Line {
  end: number;
  /** The byte of the file at which it begins. */
  at: number;
}

/** What a reader does about lines that are no good. */
export interface DamageHandler {
  /** The tail of a write that was cut short: it was never acknowledged, and is passed over. */
  torn(memoryId: string, path: string, offset: number, bytes: number): void;
  /** Damage. Resolves to go on without the line, or rejects. */
  damaged(memoryId: string, path: string, offset: number, raw: Buffer): Promise<void>;
}

export interface LogStat extends FileStat {
  /** The place at which the next line goes. */
  end: number;
  /** Bytes of what was carried over that are not there any more: the file was cut. */
  missing: number;
}

/** Told of damage at a place instead of those who make the log's `DamageHandler`; `report` tells those, too. */
export type OnDamage = (place: number, report: () => Promise<void>) => Promise<void>;

/** The smallest page of any system; the others have multiples of it. */
const PAGE = 4096;

/** One generation of a memory's log, open. Whatever it takes and tells are places in the log, not in the file. */
export class LogFile {
  readonly memoryId: string;
  readonly path: string;
  readonly generation: number;
  readonly epoch: string;
  readonly #file: OpenFile;
  readonly #handler: DamageHandler;
  #peeked: { position: number; bytes: Buffer } = { position: 0, bytes: Buffer.alloc(0) };
  readonly #newlines = new Set<number>();
  readonly #segments: Segments;
  /** Where the log begins, as far as is known without reading: nothing before it counts. */
  readonly begin: number;
  /** When the first write was made (µs since 1970), where the file does not hold it any more. */
  readonly firstAt: number | undefined;
  /** The seal that announces a successor, once somebody has read back from the end: then it is what comes first. */
  moved: Moved | null = null;

  private constructor(
    memoryId: string,
    path: string,
    generation: number,
    file: OpenFile,
    handler: DamageHandler,
    header: Header,
  ) {
    this.memoryId = memoryId;
    this.path = path;
    this.generation = generation;
    this.#file = file;
    this.#handler = handler;
    this.epoch = header.epoch;
    this.begin = header.carried?.from ?? header.length;
    this.firstAt = header.carried?.first;
    this.#segments = new Segments(memoryId, path, file, header);
  }

  /** Reads the header. Rejects with `CORRUPT` where it is not that of this memory. */
  static async open(
    memoryId: string,
    path: string,
    generation: number,
    file: OpenFile,
    handler: DamageHandler,
  ): Promise<LogFile> {
    const header = await readHeader(file, path, memoryId);
    if (header.id !== memoryId) throw corrupt(memoryId, path, 0, `it is the log of ${quoteId(header.id)}`);
    return new LogFile(memoryId, path, generation, file, handler, header);
  }

  async stat(): Promise<LogStat> {
    const stat = await this.#file.stat();
    const { start, offset } = this.#segments.tail;
    const missing = Math.max(0, offset - stat.size);
    return { ...stat, end: start + stat.size + missing - offset, missing };
  }

  /** How many bytes of the file stand before a place at which something was appended. */
  bytesBefore(place: number): number {
    const { start, offset } = this.#segments.tail;
    return place - start + offset;
  }

  /** The line's revision. */
  revisionOf({ end, crc }: PlacedLine): Revision {
    return formatRevision({ epoch: this.epoch, offset: end, crc });
  }

  /** The line's place, for messages. */
  placeOf({ at }: PlacedLine): string {
    return `the line at byte ${at} of ${this.path} (memory ${quoteId(this.memoryId)})`;
  }

  /** Where the write begins that the line is of: a save is more than one line. */
  beginOf(line: Line): number {
    if (line.kind !== "part" && line.kind !== "save") return line.start;
    return (parseJson(line.payload) as { from: number }).from; // what its writer wrote, as the checksum tells
  }

  /** Whether the line behind which this place lies still stands there. */
  async holds({ epoch, offset, crc }: Place, end: number): Promise<boolean> {
    if (epoch !== this.epoch || offset > end) return false;
    const trailer = Buffer.from(`"${crc}"]`);
    return trailer.equals(await this.read(Math.max(0, offset - trailer.length), trailer.length));
  }

  /** Whether a compaction has left out what stood at this place, as a save had replaced it. */
  hasDropped({ epoch, offset }: Place): boolean {
    return epoch === this.epoch && this.firstAt !== undefined && offset <= this.begin;
  }

  /** Bytes of the log; fewer where it ends, or does not go on in this file. */
  async read(place: number, length: number): Promise<Buffer> {
    const segment = await this.#segments.at(place);
    if (segment === null) return Buffer.alloc(0);
    return this.#file.read(place - segment.start + segment.offset, Math.min(length, segment.end - place));
  }

  /**
   * The lines that count, from `end` back to `until` (default: all), newest first. Parts of a save are among them only behind
   * (that is, before) the line that ends it; with `floor`, that line was met on an earlier page, and the log begins there.
   */
  async *back(end: number, until = 0, floor = 0): AsyncGenerator<PlacedLine> {
    let begin = floor;
    for await (const line of this.#linesBack(end, Math.max(until, floor, this.begin))) {
      if (line.kind === "seal" && announced(line) === null) return;
      if (line.kind === "seal") continue;
      if (line.kind === "save" && begin === 0) begin = this.beginOf(line);
      if (begin > 0 && line.end <= begin) return;
      if (line.kind !== "part" || begin > 0) yield line;
    }
  }

  /** All that is in the file and counted when it was written, newest first: also what was replaced by a save. */
  all(end: number, onDamage?: OnDamage): AsyncGenerator<PlacedLine> {
    return this.#linesBack(end, 0, onDamage);
  }

  /** Whether nothing can be stored here any more: the log was found empty, and is being removed. */
  async isSealed(end: number): Promise<boolean> {
    for await (const { offset, bytes } of this.#rawBack(end, this.begin)) {
      const line = parseLine(bytes);
      // Bad lines are for those to judge who want what is stored here.
      if (line !== "torn" && line !== "damaged" && line.start === offset)
        return line.kind === "seal" && announced(line) === null;
    }
    return false;
  }

  /** Appends bytes that are to stand at `start`; `false`: something else stands there. */
  async append(bytes: Buffer, start: number): Promise<boolean> {
    const written = await this.#file.write(bytes);
    if (written < bytes.length) throw diskFull();
    return bytes.equals(await this.read(start, bytes.length));
  }

  /** Takes the place of what was cut off: so that what comes now stands where it says. It passes for torn. */
  async fill(): Promise<void> {
    const { size } = await this.#file.stat();
    const missing = await this.#segments.missingBehind(size);
    const bytes = Buffer.concat(missing.map(encodeTorn));
    if ((await this.#file.write(bytes)) < bytes.length) throw diskFull();
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** All whole lines that stand where they say, newest first. */
  async *#linesBack(end: number, until: number, onDamage?: OnDamage): AsyncGenerator<PlacedLine> {
    for await (const { offset, bytes, begun, at } of this.#rawBack(end, until)) {
      const line = begun ? parseLine(bytes) : "damaged";
      if (line === "torn") this.#handler.torn(this.memoryId, this.path, at, bytes.length);
      else if (line !== "damaged" && line.start === offset) {
        if (line.kind === "seal") this.moved = announced(line);
        yield { ...line, end: offset + 1 + line.length, at };
      } else if (line === "damaged" || !(await this.#lostRace(line, offset, bytes))) {
        const report = (): Promise<void> => this.#handler.damaged(this.memoryId, this.path, at, bytes);
        await (onDamage === undefined ? report() : onDamage(offset, report));
      }
    }
  }

  /** All lines, whatever they are, by their place, and where they are in the file. */
  async *#rawBack(end: number, until: number): AsyncGenerator<RawLine & { at: number }> {
    for await (const segment of this.#segments.behind(until)) {
      const begin = Math.max(until, segment.start);
      const shift = segment.start - segment.offset;
      for await (const line of linesBack(this.#file, Math.min(end, segment.end) - shift, begin - shift))
        yield { ...line, offset: line.offset + shift, at: line.offset };
    }
  }

  /**
   * Whether the line was written behind what others wrote since its writer looked. If not, somebody has moved it.
   *
   * The end that the writer saw is then where another line begins, or lies within one that was still being written: the
   * system shows the size of a file that grows in whole pages. And no line is ever written twice.
   */
  async #lostRace(line: Line, offset: number, bytes: Buffer): Promise<boolean> {
    const seen = this.beginOf(line);
    const wrote = offset - (line.start - seen);
    if (seen >= wrote) return false;
    const segment = await this.#segments.at(seen);
    // What its writer saw may have been left out by a compaction, not so what it wrote.
    if (segment === null) return this.firstAt !== undefined && offset < this.#segments.tail.start;
    const inPages = (seen - segment.start + segment.offset) % PAGE === 0;
    if (!inPages && !(await this.#hasNewline(seen))) return false;
    if (wrote !== offset && !(await this.#hasNewline(wrote))) return false;
    return !bytes.equals(await this.#peek(line.start + 1, bytes.length));
  }

  async #hasNewline(offset: number): Promise<boolean> {
    if (this.#newlines.has(offset)) return true;
    const [byte] = await this.#peek(offset, 1);
    if (byte === NEWLINE) this.#newlines.add(offset);
    return byte === NEWLINE;
  }

  /** Reads through what was read last, with what stands before it: many who lost a race in a row must not cost as many reads. */
  async #peek(position: number, length: number): Promise<Buffer> {
    const end = position + length;
    if (position < this.#peeked.position || end > this.#peeked.position + this.#peeked.bytes.length) {
      const { start } = (await this.#segments.at(position)) ?? { start: position };
      const begin = Math.max(start, Math.min(position, end - FIRST_BLOCK));
      this.#peeked = { position: begin, bytes: await this.read(begin, end - begin) };
    }
    return this.#peeked.bytes.subarray(position - this.#peeked.position, end - this.#peeked.position);
  }
}

/** What a seal announces; `null`: it ends a log that is being removed. */
function announced({ start, payload }: Line): Moved | null {
  const { next } = parseJson(payload) as { next?: number }; // what its writer wrote, as the checksum tells
  return next === undefined ? null : { start, modifiedAt: next };
}
