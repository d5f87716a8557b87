import { parseJson, quoteId, type Revision } from "@deep-agent/core";
import { corrupt, diskFull } from "./file-error.ts";
import type { FileStat, OpenFile } from "./file-system.ts";
import { encodeLine, type Line, parseLine } from "./line.ts";
import { formatRevision, type Place } from "./revision.ts";

/** The version of the layout. Another one is refused, not guessed at. */
const FORMAT = 1;

/** The line behind which nothing counts. */
export function encodeSeal(start: number): Buffer {
  return encodeLine("seal", start, "{}");
}

/** The first line of every file, in JSON: `{"format":1,"id":"<memory id>","epoch":"<random>","at":<epoch µs>}`. */
export function encodeHeader(memoryId: string, epoch: string, at: number): Buffer {
  return encodeLine("log", 0, JSON.stringify({ format: FORMAT, id: memoryId, epoch, at }));
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

const NEWLINE = 10;
const FIRST_BLOCK = 16 * 1024;
const LARGEST_BLOCK = 1024 * 1024;
const HEADER_BLOCK = 2048;

/** One generation of a memory's log, open. */
export class LogFile {
  readonly memoryId: string;
  readonly path: string;
  readonly generation: number;
  readonly epoch: string;
  readonly #file: OpenFile;
  readonly #finds: Finds;
  /** Behind the header. */
  readonly #begin: number;

  private constructor(memoryId: string, path: string, generation: number, file: OpenFile, finds: Finds, header: Header) {
    this.memoryId = memoryId;
    this.path = path;
    this.generation = generation;
    this.#file = file;
    this.#finds = finds;
    this.epoch = header.epoch;
    this.#begin = header.length;
  }

  /** Reads the header. Rejects with `CORRUPT` where it is not that of this memory. */
  static async open(memoryId: string, path: string, generation: number, file: OpenFile, finds: Finds): Promise<LogFile> {
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

  /** Where the first part of a save begins, and with it the log. */
  beginOf(save: PlacedLine): number {
    return (parseJson(save.payload) as { from: number }).from; // what its writer wrote, as the checksum tells
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
    for await (const line of this.#linesBack(end, Math.max(until, floor, this.#begin))) {
      if (line.kind === "seal") return;
      if (line.kind === "save" && begin === 0) begin = this.beginOf(line);
      if (begin > 0 && line.end <= begin) return;
      if (line.kind !== "part" || begin > 0) yield line;
    }
  }

  /** Whether nothing can be stored here any more: the log was found empty, and is being removed. */
  async isSealed(end: number): Promise<boolean> {
    for await (const line of this.#linesBack(end, this.#begin)) return line.kind === "seal";
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
    for await (const { offset, bytes } of blocksToLines(this.#file, end, until)) {
      const line = parseLine(bytes);
      const lineEnd = offset + 1 + bytes.length;
      if (line === "torn") this.#finds.torn(this.memoryId, this.path, offset, bytes.length);
      else if (line === "damaged") await this.#finds.damaged(this.memoryId, this.path, offset, bytes);
      else if (line.start === offset) yield { ...line, end: lineEnd };
      else if (!(await this.#lostRace(line, offset))) await this.#finds.damaged(this.memoryId, this.path, offset, bytes);
    }
  }

  /** Whether the line's writer saw the end of the file at a place where by now another line begins. */
  async #lostRace(line: Line, offset: number): Promise<boolean> {
    if (line.start >= offset || line.start < this.#begin) return false;
    const [first] = await this.#file.read(line.start, 1);
    return first === NEWLINE;
  }
}

interface Header {
  id: string;
  epoch: string;
  length: number;
}

/** Rejects with `CORRUPT` where a file does not begin with a header of this format. */
export async function readHeader(file: OpenFile, path: string, memoryId: string): Promise<Header> {
  const block = await file.read(0, HEADER_BLOCK);
  // An id of 1,024 bytes can take six times as many in JSON.
  const whole = block.includes(NEWLINE) || block.length < HEADER_BLOCK ? block : await file.read(0, 8 * HEADER_BLOCK);
  const newline = whole.indexOf(NEWLINE);
  const bytes = newline === -1 ? whole : whole.subarray(0, newline);
  const line = parseLine(bytes);
  if (line === "torn" || line === "damaged" || line.kind !== "log") throw corrupt(memoryId, path, 0, "its header is not whole");
  const { format, id, epoch } = parseJson(line.payload) as { format: unknown; id: string; epoch: string }; // its checksum holds
  if (format !== FORMAT) throw corrupt(memoryId, path, 0, `it has format ${format}, and this version reads ${FORMAT}`);
  return { id, epoch, length: bytes.length };
}

/** The bytes of each line between `until` and `end`, newest first; `offset` is that of the newline before it. */
async function* blocksToLines(file: OpenFile, end: number, until: number): AsyncGenerator<{ offset: number; bytes: Buffer }> {
  let tail = Buffer.alloc(0); // the rest of a line whose beginning was not read yet
  let position = end;
  for (let size = FIRST_BLOCK; position > until; size = Math.min(size * 2, LARGEST_BLOCK)) {
    const length = Math.min(size, position - until);
    position -= length;
    const block = Buffer.concat([await file.read(position, length), tail]);
    let lineEnd = block.length;
    for (let at = block.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      yield { offset: position + at, bytes: block.subarray(at + 1, lineEnd) };
      lineEnd = at;
    }
    tail = block.subarray(0, lineEnd);
  }
}
