import { parseJson } from "@deep-agent/core/adapter";
import { corrupt } from "./file-error.ts";
import type { OpenFile } from "./file-system.ts";
import type { Header } from "./header.ts";
import { encodeLine, NEWLINE, parseLine } from "./line.ts";

/**
 * A part of a log that is in one piece in its file.
 *
 * A place in a log is an offset in its first file. The lines in a file and the revisions that callers have hold such
 * places, so a file that succeeds another one keeps them, and lists which segments of the log it has.
 */
export interface Segment {
  /** The place of the newline before its first line. */
  start: number;
  /** The place after its last line. */
  end: number;
  /** Its offset in the file. */
  offset: number;
}

/**
 * The second line of a successor: `[[<start>,<end>],…]`, oldest first. `logEnd` is the place at which the segments end.
 */
export function encodeKept(segments: readonly Pick<Segment, "start" | "end">[], logEnd: number): Buffer {
  return encodeLine("kept", logEnd, JSON.stringify(segments.map(({ start, end }) => [start, end])));
}

/** The segments of the log that a file has, and their offsets. */
export class Segments {
  /** The segment to which lines are appended. Its end is open. */
  readonly tail: Segment;
  readonly #file: OpenFile;
  readonly #header: Header;
  readonly #damaged: (problem: string) => Error;
  #carried: Segment[] | undefined;

  constructor(memoryId: string, path: string, file: OpenFile, header: Header) {
    const { carried, length } = header;
    this.#file = file;
    this.#header = header;
    this.#damaged = (problem) => corrupt(memoryId, path, length, problem);
    this.tail = {
      start: carried?.end ?? length,
      end: Number.POSITIVE_INFINITY,
      offset: length + (carried === undefined ? 0 : carried.map + carried.bytes),
    };
  }

  /** The segments that end after this place, newest first. Rejects with `CORRUPT`. */
  async *after(place: number): AsyncGenerator<Segment> {
    yield this.tail;
    // The list of segments is read only if a caller reads that far back: a turn must not cost more after a compaction.
    if (place < this.tail.start) yield* (await this.#readKept()).filter(({ end }) => end > place);
  }

  /** The segment that holds the byte at this place; `null`: that byte was not carried over. */
  async at(place: number): Promise<Segment | null> {
    if (place >= this.tail.start) return this.tail;
    return (await this.#readKept()).find(({ start, end }) => start <= place && place < end) ?? null;
  }

  /**
   * How many carried-over bytes are missing in a file of this size, divided at the places where a line of the log must
   * begin.
   */
  async missingAfter(size: number): Promise<number[]> {
    const from = this.#header.carried?.from ?? 0;
    const ends = (await this.#readKept()).flatMap(({ start, end, offset }) =>
      [end, from].filter((place) => start < place && place <= end).map((place) => offset + place - start),
    );
    const missing = ends.filter((end) => end > size).sort((a, b) => a - b);
    return missing.map((end, index) => end - (missing[index - 1] ?? size));
  }

  /** Newest first. */
  async #readKept(): Promise<readonly Segment[]> {
    const { carried, length } = this.#header;
    if (carried === undefined) return [];
    if (this.#carried !== undefined) return this.#carried;
    const bytes = await this.#file.read(length, carried.map);
    const line = bytes[0] === NEWLINE ? parseLine(bytes.subarray(1)) : "damaged";
    if (line === "torn" || line === "damaged" || line.kind !== "kept" || line.start !== carried.end)
      throw this.#damaged("the line that lists its segments is damaged or incomplete");
    let offset = length + carried.map;
    const segments = (parseJson(line.payload) as [number, number][]).map(([start, end]) => {
      const segment = { start, end, offset };
      offset += end - start;
      return segment;
    });
    this.#carried = segments.reverse();
    return this.#carried;
  }
}
