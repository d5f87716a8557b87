import { newId, parseJson, quoteId, type Revision } from "@deep-agent/core/adapter";
import { corrupt, diskFull } from "./file-error.ts";
import type { FileStat, OpenFile } from "./file-system.ts";
import { type Header, readHeader } from "./header.ts";
import { encodeLine, encodeTorn, type Line, NEWLINE, parseLine } from "./line.ts";
import { FIRST_BLOCK, linesBack, type RawLine } from "./line-reader.ts";
import { formatRevision, type Place } from "./revision.ts";
import { Segments } from "./segments.ts";

/**
 * A seal: nothing after this line counts. With `modifiedAt`, the modification time of the file before the seal (µs
 * since 1970), it announces that the log continues in the next generation. A process that finds no such file makes it.
 */
export function encodeSeal(start: number, modifiedAt?: number): Buffer {
  return encodeLine("seal", start, JSON.stringify({ t: newId(), next: modifiedAt }));
}

/** A seal that announces a successor. */
export interface Moved {
  /** The place of the seal. */
  start: number;
  /** When the file was last modified before the seal: µs since 1970. */
  modifiedAt: number;
}

/** A line that counts, and its place: from its newline (`start`) to the end of its bracket (`end`). */
export interface PlacedLine extends Line {
  end: number;
  /** The byte of the file at which it begins. */
  at: number;
}

/** What a reader does about invalid lines. */
export interface DamageHandler {
  /** Reports the beginning of a write that was cut short. It was never acknowledged, so the reader skips it. */
  torn(memoryId: string, path: string, offset: number, bytes: number): void;
  /** Reports a damaged line. Resolves if the reader is to go on without the line, or rejects. */
  damaged(memoryId: string, path: string, offset: number, raw: Buffer): Promise<void>;
}

export interface LogStat extends FileStat {
  /** The place of the next line. */
  end: number;
  /** How many carried-over bytes are missing, because the file was cut. */
  missing: number;
}

/** Called for damage at a place, instead of the log's {@link DamageHandler}. `report` calls that handler. */
export type OnDamage = (place: number, report: () => Promise<void>) => Promise<void>;

/** The smallest memory page of any system: bytes. Other page sizes are multiples of it. */
const PAGE = 4096;

/**
 * An open generation of a memory's log. All positions that it takes and returns are places in the log, not in the file.
 */
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
  /** The place at which the log begins, as far as the header knows: nothing before it counts. */
  readonly begin: number;
  /** When the first write of the log was made: µs since 1970. `undefined`: the file still holds that write. */
  readonly firstAt: number | undefined;
  /** The seal that announces a successor. It is known once the log was read back from its end. */
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

  /** Reads the header. Rejects with `CORRUPT` if it belongs to another memory. */
  static async open(
    memoryId: string,
    path: string,
    generation: number,
    file: OpenFile,
    handler: DamageHandler,
  ): Promise<LogFile> {
    const header = await readHeader(file, path, memoryId);
    if (header.id !== memoryId) throw corrupt(memoryId, path, 0, `it is the log of memory ${quoteId(header.id)}`);
    return new LogFile(memoryId, path, generation, file, handler, header);
  }

  async stat(): Promise<LogStat> {
    const stat = await this.#file.stat();
    const { start, offset } = this.#segments.tail;
    const missing = Math.max(0, offset - stat.size);
    return { ...stat, end: start + stat.size + missing - offset, missing };
  }

  /** How many bytes of the file stand before a place. The place must be in the tail, where lines are appended. */
  bytesBefore(place: number): number {
    const { start, offset } = this.#segments.tail;
    return place - start + offset;
  }

  /** The revision after the line. */
  revisionOf({ end, crc }: PlacedLine): Revision {
    return formatRevision({ epoch: this.epoch, offset: end, crc });
  }

  /** The position of the line in the file, for error messages. */
  placeOf({ at }: PlacedLine): string {
    return `the line at byte ${at} of ${this.path} (memory ${quoteId(this.memoryId)})`;
  }

  /** The place at which the write of this line begins. A save has more than one line. */
  beginOf(line: Line): number {
    if (line.kind !== "part" && line.kind !== "save") return line.start;
    return (parseJson(line.payload) as { from: number }).from; // the checksum shows that a writer wrote this
  }

  /** Whether the line that ends at this place still stands there. */
  async holds({ epoch, offset, crc }: Place, end: number): Promise<boolean> {
    if (epoch !== this.epoch || offset > end) return false;
    const trailer = Buffer.from(`"${crc}"]`);
    return trailer.equals(await this.read(Math.max(0, offset - trailer.length), trailer.length));
  }

  /** Whether a compaction has left out the line at this place, because a save had replaced it. */
  hasDropped({ epoch, offset }: Place): boolean {
    return epoch === this.epoch && this.firstAt !== undefined && offset <= this.begin;
  }

  /** Reads `length` bytes of the log; fewer if the log or its segment in this file ends before that. */
  async read(place: number, length: number): Promise<Buffer> {
    const segment = await this.#segments.at(place);
    if (segment === null) return Buffer.alloc(0);
    return this.#file.read(place - segment.start + segment.offset, Math.min(length, segment.end - place));
  }

  /**
   * The lines that count, from `end` back to `until` (default: all), newest first. A `part` is among them only if the
   * `save` that ends it was read before it. With `floor`, that `save` was read on an earlier page, and the log begins
   * at `floor`.
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

  /**
   * All lines of the file that counted when they were written, newest first, including those that a save has replaced.
   */
  all(end: number, onDamage?: OnDamage): AsyncGenerator<PlacedLine> {
    return this.#linesBack(end, 0, onDamage);
  }

  /** Whether the log is sealed because it was empty and is being removed: nothing can be stored in it any more. */
  async isSealed(end: number): Promise<boolean> {
    for await (const { offset, bytes } of this.#rawBack(end, this.begin)) {
      const line = parseLine(bytes);
      // Invalid lines are ignored here: the calls that read the stored records judge them.
      if (line !== "torn" && line !== "damaged" && line.start === offset)
        return line.kind === "seal" && announced(line) === null;
    }
    return false;
  }

  /** Appends bytes that say they stand at `start`; `false`: another write stands there. */
  async append(bytes: Buffer, start: number): Promise<boolean> {
    const written = await this.#file.write(bytes);
    if (written < bytes.length) throw diskFull();
    return bytes.equals(await this.read(start, bytes.length));
  }

  /**
   * Appends as many bytes as were cut off, so that the next line stands where it says. Readers take them for torn
   * lines.
   */
  async fill(): Promise<void> {
    const { size } = await this.#file.stat();
    const missing = await this.#segments.missingAfter(size);
    const bytes = Buffer.concat(missing.map(encodeTorn));
    if ((await this.#file.write(bytes)) < bytes.length) throw diskFull();
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** All complete lines that stand where they say, newest first. */
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

  /** All lines, valid or not, by their place in the log. `at` is their offset in the file. */
  async *#rawBack(end: number, until: number): AsyncGenerator<RawLine & { at: number }> {
    for await (const segment of this.#segments.after(until)) {
      const begin = Math.max(until, segment.start);
      const shift = segment.start - segment.offset;
      for await (const line of linesBack(this.#file, Math.min(end, segment.end) - shift, begin - shift))
        yield { ...line, offset: line.offset + shift, at: line.offset };
    }
  }

  /**
   * Whether the line stands elsewhere because other writers appended after its writer had looked. Otherwise the line
   * was moved, which is damage.
   *
   * If it lost the race, another line begins at the end that its writer saw. Or that end lies within a line that was
   * still being written, because the system shows the size of a growing file in whole pages. And no line is ever
   * written twice.
   */
  async #lostRace(line: Line, offset: number, bytes: Buffer): Promise<boolean> {
    const seen = this.beginOf(line);
    const wrote = offset - (line.start - seen);
    if (seen >= wrote) return false;
    const segment = await this.#segments.at(seen);
    // A compaction may have left out the place that its writer saw. Its own place must be among the carried-over
    // segments.
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

  /**
   * Reads from the block that was read last, or reads a new block up to the position. So many lost lines in a row do
   * not cost one read each.
   */
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

/** The successor that a seal announces; `null`: the seal ends a log that is being removed. */
function announced({ start, payload }: Line): Moved | null {
  const { next } = parseJson(payload) as { next?: number }; // the checksum shows that a writer wrote this
  return next === undefined ? null : { start, modifiedAt: next };
}
