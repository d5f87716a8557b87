import { crc32 } from "node:zlib";

/**
 * One line of a log: `[<length>,<start>,"<kind>",<payload>,"<crc>"]`, itself JSON.
 *
 * - length: bytes of `<start>,"<kind>",<payload>`, so that a line that was cut is told from one that was damaged
 * - start: the size of the file when it was written. The line counts only if it really begins there: so each append is a
 *   compare-and-set on the end of the file, without a lock, and a line that lost the race can be judged from itself alone.
 * - crc: CRC-32 of what the length measures, eight hexadecimal digits
 *
 * Every line but the first begins with the newline that ends the one before, so that whatever is appended stays apart from a
 * line that was torn.
 */
export interface Line {
  kind: LineKind;
  /** Where the line says that it begins. */
  start: number;
  payload: string;
  crc: string;
  /** Bytes of the whole line, its newline apart. */
  length: number;
}

/**
 * - `log`: the header, first line of the file
 * - `entry`: an append
 * - `part`, `save`: a save is a line for each record and a last one, in one write; the parts count if the last one is there
 * - `seal`: the end of this file; nothing behind it counts. Of a log that is empty and being removed, or, where it announces a
 *   successor, of one that goes on in the next generation
 * - `kept`: second line of a successor: which segments of the log it has from the file before it
 */
export type LineKind = "log" | "entry" | "part" | "save" | "seal" | "kept";

const kinds: ReadonlySet<string> = new Set<LineKind>(["log", "entry", "part", "save", "seal", "kept"]);

/** The bytes of a line, with the newline in front where it is not the first. */
export function encodeLine(kind: LineKind, start: number, payload: string): Buffer {
  const body = `${start},"${kind}",${payload}`;
  const crc = crc32(body).toString(16).padStart(8, "0");
  return Buffer.from(`${start === 0 ? "" : "\n"}[${Buffer.byteLength(body)},${body},"${crc}"]`);
}

/** So many bytes that pass for the beginning of a line, as does any part of them that begins where they do. */
export function encodeTorn(length: number): Buffer {
  return Buffer.from("\n[999999999999999,".padEnd(length, "0").slice(0, length));
}

/** The byte that stands before each line but the first. */
export const NEWLINE = 10;

const TRAILER_LENGTH = ',"00000000"]'.length;
const MAX_PREFIX = "[123456789012345,".length + 1;

/**
 * The line in these bytes (without its newline); `"torn"`: the beginning of a line whose end was never written; `"damaged"`:
 * anything else. A line that was written to its end is never torn, also where its length was damaged: its checksum tells.
 *
 * Bytes that were allocated and never written are NUL, and belong to a tear; a single one is damage.
 */
export function parseLine(bytes: Buffer): Line | "torn" | "damaged" {
  const written = withoutFill(bytes);
  const [announced, length] = /^\[(\d{1,15}),/.exec(written.toString("latin1", 0, 20)) ?? [];
  if (announced === undefined) return /^(\[\d{0,15})?$/.test(written.toString("latin1", 0, 20)) ? "torn" : "damaged";
  const end = announced.length + Number(length);
  if (written.length < end + TRAILER_LENGTH) return hasWholeBody(written) ? "damaged" : "torn";
  const body = written.subarray(announced.length, end);
  const crc = crc32(body).toString(16).padStart(8, "0");
  if (written.length > end + TRAILER_LENGTH || written.toString("latin1", end) !== `,"${crc}"]`) return "damaged";
  const [prefix, start, kind] = /^(\d{1,15}),"([a-z]+)",/.exec(body.toString("latin1", 0, 40)) ?? [];
  if (prefix === undefined || !isKind(kind)) return "damaged";
  return { kind, start: Number(start), payload: body.toString("utf8", prefix.length), crc, length: written.length };
}

/** Whether the bytes end with the checksum of what comes before it, from wherever a damaged length may end. */
function hasWholeBody(written: Buffer): boolean {
  const end = written.length - TRAILER_LENGTH;
  const [, crc] = /^,"([0-9a-f]{8})"\]$/.exec(written.toString("latin1", Math.max(0, end))) ?? [];
  for (let begin = 2; crc !== undefined && begin < Math.min(end, MAX_PREFIX); begin++) {
    if (crc32(written.subarray(begin, end)) === Number.parseInt(crc, 16)) return true;
  }
  return false;
}

function isKind(kind: string | undefined): kind is LineKind {
  return kind !== undefined && kinds.has(kind);
}

/** The bytes up to those at the end that were allocated and never written. */
export function withoutFill(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.length - end >= 2 ? bytes.subarray(0, end) : bytes;
}
