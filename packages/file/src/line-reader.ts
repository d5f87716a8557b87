import type { OpenFile } from "./file-system.ts";
import { NEWLINE, withoutFill } from "./line.ts";

/** How much of a file is read first, and how much at once at most: each block is twice the one before. Bytes. */
export const FIRST_BLOCK: number = 16 * 1024;
const MAX_BLOCK = 1024 * 1024;

/** A line as it stands, whatever it is. */
export interface RawLine {
  /** That of the newline before it. */
  offset: number;
  bytes: Buffer;
  /** `false`: where the newline was, or is to be, stands something else. */
  begun: boolean;
}

/** Each line between `until`, where one ends, and `end`, newest first. */
export async function* linesBack(file: OpenFile, end: number, until: number): AsyncGenerator<RawLine> {
  let tail: Buffer[] = []; // the rest of a line whose beginning was not read yet
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
