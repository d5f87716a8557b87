import { newId, parseJson, quoteId, type Revision } from "@deep-agent/core";
import { corrupt, diskFull } from "./file-error.ts";
import type { FileStat, OpenFile } from "./file-system.ts";
import { type Header, readHeader } from "./header.ts";
import { encodeLine, type Line, NEWLINE, parseLine } from "./line.ts";
import { FIRST_BLOCK, linesBack } from "./line-reader.ts";
import { formatRevision, type Place } from "./revision.ts";

/** The line behind which nothing counts. */
export function encodeSeal(start: number): Buffer {
  return encodeLine("seal", start, `{"t":"${newId()}"}`);
}

/** A line that counts, and where it stands: from its newline (`start`) to behind its bracket (`end`). */
export interface PlacedLine extends Line {
  end: number;
}

/** What a reader does about lines that are no good. */
export interface Finds {
  /** The tail of a write that was cut short: it was never acknowledged, and is passed over. */
  torn(memoryId: string, path: string, offset: number, bytes: number): void;
  /** Damage. Resolves to go on without the line, or rejects. */
  damaged(memoryId: string, path: string, offset: number, raw: Buffer): Promise<void>;
}

/** The smallest page of any system; the others have multiples of it. */
const PAGE = 4096;

/** One generation of a memory's log, open. */
export class LogFile {
  readonly memoryId: string;
  readonly path: string;
  readonly generation: number;
  readonly epoch: string;
  readonly #file: OpenFile;
  readonly #finds: Finds;
  #peeked: { position: number; bytes: Buffer } = { position: 0, bytes: Buffer.alloc(0) };
  readonly #newlines = new Set<number>();
  /** Behind the header. */
  readonly begin: number;

  private constructor(
    memoryId: string,
    path: string,
    generation: number,
    file: OpenFile,
    finds: Finds,
    header: Header,
  ) {
    this.memoryId = memoryId;
    this.path = path;
    this.generation = generation;
    this.#file = file;
    this.#finds = finds;
    this.epoch = header.epoch;
    this.begin = header.length;
  }

  /** Reads the header. Rejects with `CORRUPT` where it is not that of this memory. */
  static async open(
    memoryId: string,
    path: string,
    generation: number,
    file: OpenFile,
    finds: Finds,
  ): Promise<LogFile> {
    const header = await readHeader(file, path, memoryId);
    if (header.id !== memoryId) throw corrupt(memoryId, path, 0, `it is the log of ${quoteId(header.id)}`);
    return new LogFile(memoryId, path, generation, file, finds, header);
  }

  stat(): Promise<FileStat> {
    return this.#file.stat();
  }

  /** The line's revision. */
  revisionOf({ end, crc }: PlacedLine): Revision {
    return formatRevision({ epoch: this.epoch, offset: end, crc });
  }

  /** The line's place, for messages. */
  placeOf({ start }: PlacedLine): string {
    return `the line at byte ${start} of ${this.path} (memory ${quoteId(this.memoryId)})`;
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
    const found = await this.#file.read(Math.max(0, offset - trailer.length), trailer.length);
    return found.equals(trailer);
  }

  /**
   * The lines that count, from `end` back to `until` (default: all), newest first. Parts of a save are among them only behind
   * (that is, before) the line that ends it; with `floor`, that line was met on an earlier page, and the log begins there.
   */
  async *back(end: number, until = 0, floor = 0): AsyncGenerator<PlacedLine> {
    let begin = floor;
    for await (const line of this.#linesBack(end, Math.max(until, floor, this.begin))) {
      if (line.kind === "seal") return;
      if (line.kind === "save" && begin === 0) begin = this.beginOf(line);
      if (begin > 0 && line.end <= begin) return;
      if (line.kind !== "part" || begin > 0) yield line;
    }
  }

  /** All that was ever written to the file and counted then, newest first: also what was replaced by a save. */
  all(end: number): AsyncGenerator<PlacedLine> {
    return this.#linesBack(end, this.begin);
  }

  /** Whether nothing can be stored here any more: the log was found empty, and is being removed. */
  async isSealed(end: number): Promise<boolean> {
    for await (const { offset, bytes } of linesBack(this.#file, end, this.begin)) {
      const line = parseLine(bytes);
      // Bad lines are for those to judge who want what is stored here.
      if (line !== "torn" && line !== "damaged" && line.start === offset) return line.kind === "seal";
    }
    return false;
  }

  /** Appends bytes that are to stand at `start`; `false`: something else stands there. */
  async append(bytes: Buffer, start: number): Promise<boolean> {
    const written = await this.#file.write(bytes);
    if (written < bytes.length) throw diskFull();
    return bytes.equals(await this.#file.read(start, bytes.length));
  }

  sync(): Promise<void> {
    return this.#file.sync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** All whole lines that stand where they say, newest first. */
  async *#linesBack(end: number, until: number): AsyncGenerator<PlacedLine> {
    for await (const { offset, bytes, begun } of linesBack(this.#file, end, until)) {
      const line = begun ? parseLine(bytes) : "damaged";
      if (line === "torn") this.#finds.torn(this.memoryId, this.path, offset, bytes.length);
      else if (line === "damaged") await this.#finds.damaged(this.memoryId, this.path, offset, bytes);
      else if (line.start === offset) yield { ...line, end: offset + 1 + line.length };
      else if (!(await this.#lostRace(line, offset, bytes)))
        await this.#finds.damaged(this.memoryId, this.path, offset, bytes);
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
    if (seen < this.begin || seen >= wrote) return false;
    if (seen % PAGE !== 0 && !(await this.#hasNewline(seen))) return false;
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
      const begin = Math.max(0, Math.min(position, end - FIRST_BLOCK));
      this.#peeked = { position: begin, bytes: await this.#file.read(begin, end - begin) };
    }
    return this.#peeked.bytes.subarray(position - this.#peeked.position, end - this.#peeked.position);
  }
}
