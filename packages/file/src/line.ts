import { crc32 } from "node:zlib";

/**
 * One line of a log: `[<length>,<start>,"<kind>",<payload>,"<crc>"]`, itself JSON.
 *
 * - length: the bytes of `<start>,"<kind>",<payload>`. It distinguishes a line that was cut from one that was damaged.
 * - start: the size of the file when the line was written. The line counts only if it really begins there. So each
 *   append is a compare-and-set on the end of the file, without a lock, and a line that lost the race shows that by
 *   itself.
 * - crc: the CRC-32 of the bytes that the length counts, in eight hexadecimal digits
 *
 * Every line but the first begins with the newline that ends the line before. So whatever is appended stays separate
 * from a torn line.
 */
export interface Line {
  kind: LineKind;
  /** The place at which the line says that it begins. */
  start: number;
  payload: string;
  crc: string;
  /** The size of the whole line without its newline: bytes. */
  length: number;
}

/**
 * - `log`: the header, the first line of the file
 * - `entry`: an append
 * - `part`, `save`: a save has a `part` for each record and then a `save`, in one write. The parts count if the `save`
 *   is there.
 * - `seal`: the end of this file. Nothing after it counts. Without a successor, the log is empty and is being removed.
 *   With a successor, the log continues in the next generation.
 * - `kept`: the second line of a successor. It lists the segments of the log that the file has from the file before it.
 */
export type LineKind = "log" | "entry" | "part" | "save" | "seal" | "kept";

const kinds: ReadonlySet<string> = new Set<LineKind>(["log", "entry", "part", "save", "seal", "kept"]);

/** The bytes of a line, with a newline in front unless it is the first line. */
export function encodeLine(kind: LineKind, start: number, payload: string): Buffer {
  const body = `${start},"${kind}",${payload}`;
  const crc = crc32(body).toString(16).padStart(8, "0");
  return Buffer.from(`${start === 0 ? "" : "\n"}[${Buffer.byteLength(body)},${body},"${crc}"]`);
}

/**
 * Bytes that look like a line that was cut, as does every part that begins where they begin. `length`: how many bytes.
 */
export function encodeTorn(length: number): Buffer {
  return Buffer.from("\n[999999999999999,".padEnd(length, "0").slice(0, length));
}

/** The byte before each line but the first. */
export const NEWLINE = 10;

const TRAILER_LENGTH = ',"00000000"]'.length;
const MAX_PREFIX = "[123456789012345,".length + 1;

/**
 * The line in these bytes (without its newline). `"torn"`: the beginning of a line whose end was never written.
 * `"damaged"`: anything else. A line that was written to its end is never torn, even if its length was damaged: its
 * checksum shows that.
 *
 * Bytes that were allocated but never written are NUL, and belong to a torn line. A single NUL is damage.
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

/** Whether the bytes end with the checksum of the bytes before it, wherever a damaged length may end. */
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

/** The bytes without those at the end that were allocated but never written. */
export function withoutFill(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end -= 1;
  return bytes.length - end >= 2 ? bytes.subarray(0, end) : bytes;
}
