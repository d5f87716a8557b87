/*
 * Where the values of RESP, the protocol of Redis, end in a stream of bytes, in version 2 and 3:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 * Without its streamed strings and aggregates, which Redis sends nowhere.
 */

const BULK = "$=!";
const AGGREGATE = "*~>%|";
const SIMPLE = "+-:_#,(";
/** Aggregates whose length counts pairs. */
const PAIRS = "%|";
/** Aggregates that come in front of a value instead of being one. */
const ATTRIBUTE = "|";

const LINE_END = "\r\n";

/**
 * Cuts what arrives in pieces into whole values. A line that begins like no value is one, too: a command as people type it.
 * Throws where a length is none.
 */
export class RespStream {
  /** Room for what has come, which is at its beginning, and for more. What was given away stands before it, and is not written over. */
  #room: Buffer = Buffer.alloc(0);
  #size = 0;
  /** How many bytes it takes before there is anything to look at. */
  #needed = 1;
  /** Where in it the next element of the value begins. */
  #place = 0;
  /** How many elements the value still has. */
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

  /** Where there is no room, twice as much is made: a long value comes in many pieces. */
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

  /** Goes behind the next element, if there is all of it, or of its first line where it has elements itself. */
  #passElement(): boolean {
    this.#needed = this.#size + 1;
    const lineEnd = this.#room.subarray(0, this.#size).indexOf(LINE_END, this.#place);
    if (lineEnd === -1) return false;
    const behindLine = lineEnd + LINE_END.length;
    const type = this.#room.toString("latin1", this.#place, this.#place + 1);
    if (BULK.includes(type)) {
      const length = this.#length(lineEnd);
      const end = length === -1 ? behindLine : behindLine + length + LINE_END.length;
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
    this.#place = behindLine;
    return true;
  }

  /** What the line at `#place` says, -1 for null. */
  #length(lineEnd: number): number {
    const line = this.#room.toString("latin1", this.#place + 1, lineEnd);
    if (!/^(\d+|-1)$/.test(line)) throw new Error(`This is no length in RESP: ${JSON.stringify(line)}`);
    return Number(line);
  }
}

/** Whether the server said this of its own accord, and not in reply to a command. */
export function isPush(value: Buffer): boolean {
  return value.toString("latin1", 0, 1) === ">";
}

/** The words of a command: as clients send it, an array of bulk strings; or as people type it, a line. */
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
