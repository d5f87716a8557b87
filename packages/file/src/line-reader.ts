import type { OpenFile } from "./file-system.ts";
import { NEWLINE, withoutFill } from "./line.ts";

/**
 * How much of a file is read first, and how much at a time at most: bytes. Each block is twice as large as the one
 * before.
 */
export const FIRST_BLOCK: number = 16 * 1024;
const MAX_BLOCK = 1024 * 1024;

/** The bytes of a line, valid or not. */
export interface RawLine {
  /** The offset of the newline before the line. */
  offset: number;
  /** The line without that newline. */
  bytes: Buffer;
  /** `false`: there is another byte where the newline should be. */
  begun: boolean;
}

/** Every line between `until`, where a line ends, and `end`, newest first. */
export async function* linesBack(file: OpenFile, end: number, until: number): AsyncGenerator<RawLine> {
  let tail: Buffer[] = []; // the end of a line whose beginning was not read yet
  let position = end;
  for (let size = FIRST_BLOCK; position > until; size = Math.min(size * 2, MAX_BLOCK)) {
    const length = Math.min(size, position - until);
    position -= length;
    const block = await file.read(position, length);
    let lineEnd = block.length;
    for (let at = block.lastIndexOf(NEWLINE); at !== -1; at = at === 0 ? -1 : block.lastIndexOf(NEWLINE, at - 1)) {
      const head = block.subarray(at + 1, lineEnd);
      yield { offset: position + at, bytes: tail.length === 0 ? head : Buffer.concat([head, ...tail]), begun: true };
      tail = [];
      lineEnd = at;
    }
    tail.unshift(block.subarray(0, lineEnd));
  }
  const rest = Buffer.concat(tail);
  if (withoutFill(rest).length > 0) yield { offset: until, bytes: rest, begun: false };
}
