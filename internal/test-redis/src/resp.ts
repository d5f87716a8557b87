/*
 * Finds where the values of RESP, the protocol of Redis, end in a stream of bytes, in versions 2 and 3:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 * Streamed strings and aggregates are left out, because Redis never sends them.
 */

const BULK = "$=!";
const AGGREGATE = "*~>%|";
const SIMPLE = "+-:_#,(";
/** Aggregates whose length counts pairs. */
const PAIRS = "%|";
/** An aggregate that stands before a value and is not itself a value. */
const ATTRIBUTE = "|";

const LINE_END = "\r\n";

/**
 * Cuts pieces of a stream into whole values. A line that does not begin like a value counts as one too: a command as
 * people type it. Throws if a length is invalid.
 */
export class RespStream {
  /**
   * The buffer: the bytes that have come, then free room. Values that were returned lie before it and stay untouched.
   */
  #room: Buffer = Buffer.alloc(0);
  #size = 0;
  /** How many bytes must have come before looking for a value makes sense. */
  #needed = 1;
  /** Where in the buffer the next element of the value begins. */
  #place = 0;
  /** How many elements of the value are still to come. */
  #missing = 1;

  /** The values that this piece completes. */
  take(piece: Buffer): Buffer[] {
    this.#add(piece);
    if (this.#size < this.#needed) return [];
    const values: Buffer[] = [];
    while (this.#passElement()) {
      if (this.#missing > 0) continue;
      values.push(this.#room.subarray(0, this.#place));
      this.#room = this.#room.subarray(this.#place);
      this.#size -= this.#place;
      this.#place = 0;
      this.#missing = 1;
    }
    return values;
  }

  /** If the room is too small, it becomes twice as large as needed: a long value comes in many pieces. */
  #add(piece: Buffer): void {
    const size = this.#size + piece.length;
    if (size > this.#room.length) {
      const room = Buffer.allocUnsafe(2 * size);
      this.#room.copy(room, 0, 0, this.#size);
      this.#room = room;
    }
    piece.copy(this.#room, this.#size);
    this.#size = size;
  }

  /**
   * Passes the next element if all of it has come. Of an element with elements of its own, it passes the first line.
   */
  #passElement(): boolean {
    this.#needed = this.#size + 1;
    const lineEnd = this.#room.subarray(0, this.#size).indexOf(LINE_END, this.#place);
    if (lineEnd === -1) return false;
    const afterLine = lineEnd + LINE_END.length;
    const type = this.#room.toString("latin1", this.#place, this.#place + 1);
    if (BULK.includes(type)) {
      const length = this.#length(lineEnd);
      const end = length === -1 ? afterLine : afterLine + length + LINE_END.length;
      if (end > this.#size) {
        this.#needed = end;
        return false;
      }
      this.#place = end;
      this.#missing -= 1;
      return true;
    }
    if (AGGREGATE.includes(type)) {
      const length = Math.max(0, this.#length(lineEnd));
      this.#missing += PAIRS.includes(type) ? 2 * length : length;
    }
    if (type !== ATTRIBUTE) this.#missing -= 1;
    this.#place = afterLine;
    return true;
  }

  /** The length that the line at `#place` gives, -1 for null. */
  #length(lineEnd: number): number {
    const line = this.#room.toString("latin1", this.#place + 1, lineEnd);
    if (!/^(\d+|-1)$/.test(line)) throw new Error(`Invalid length in RESP: ${JSON.stringify(line)}`);
    return Number(line);
  }
}

/** Whether the server sent this value by itself and not as a reply to a command. */
export function isPush(value: Buffer): boolean {
  return value.toString("latin1", 0, 1) === ">";
}

/** The words of a command: an array of bulk strings, as clients send it, or a line, as people type it. */
export function wordsOf(command: Buffer): string[] {
  if (!(BULK + AGGREGATE + SIMPLE).includes(command.toString("latin1", 0, 1))) {
    return command.toString("utf8").split(/\s+/).filter(Boolean);
  }
  const words: string[] = [];
  let place = command.indexOf(LINE_END) + LINE_END.length;
  while (place < command.length) {
    const lineEnd = command.indexOf(LINE_END, place);
    const length = Number(command.toString("latin1", place + 1, lineEnd));
    const begin = lineEnd + LINE_END.length;
    words.push(command.toString("utf8", begin, begin + length));
    place = begin + length + LINE_END.length;
  }
  return words;
}
