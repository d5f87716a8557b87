/*
 * Where one value of RESP, the protocol of Redis, ends in a stream of bytes, in version 2 and 3:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

const CR = 0x0d;

/** The place behind the value that begins at `start`; `undefined`: there is more of it to come. */
function endOfValue(bytes: Buffer, start: number): number | undefined {
  const lineEnd = bytes.indexOf("\r\n", start);
  if (lineEnd === -1) return undefined;
  const behindLine = lineEnd + 2;
  const type = String.fromCharCode(bytes[start] ?? CR);
  const line = bytes.toString("latin1", start + 1, lineEnd);
  switch (type) {
    case "$":
    case "=":
    case "!": {
      const length = Number(line);
      const end = length < 0 ? behindLine : behindLine + length + 2;
      return end <= bytes.length ? end : undefined;
    }
    case "*":
    case "~":
    case ">":
      return endOfValues(bytes, behindLine, Math.max(0, Number(line)));
    case "%":
      return endOfValues(bytes, behindLine, 2 * Number(line));
    case "|": {
      // An attribute stands before the value that it belongs to.
      const end = endOfValues(bytes, behindLine, 2 * Number(line));
      return end === undefined ? undefined : endOfValue(bytes, end);
    }
    default:
      return behindLine;
  }
}

function endOfValues(bytes: Buffer, start: number, count: number): number | undefined {
  let end: number | undefined = start;
  for (let number = 0; number < count && end !== undefined; number++) {
    end = end < bytes.length ? endOfValue(bytes, end) : undefined;
  }
  return end;
}

/** Cuts what arrives in pieces into whole values. */
export class RespStream {
  #rest: Buffer = Buffer.alloc(0);

  /** The values that this piece completes. */
  take(piece: Buffer): Buffer[] {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const values: Buffer[] = [];
    for (let end = endOfValue(this.#rest, 0); end !== undefined; end = endOfValue(this.#rest, 0)) {
      values.push(this.#rest.subarray(0, end));
      this.#rest = this.#rest.subarray(end);
    }
    return values;
  }
}

/** The words of a command, as clients send it: an array of bulk strings. */
export function wordsOf(command: Buffer): string[] {
  const words: string[] = [];
  let place = command.indexOf("\r\n") + 2;
  while (place < command.length) {
    const lineEnd = command.indexOf("\r\n", place);
    const length = Number(command.toString("latin1", place + 1, lineEnd));
    words.push(command.toString("utf8", lineEnd + 2, lineEnd + 2 + length));
    place = lineEnd + 2 + length + 2;
  }
  return words;
}
