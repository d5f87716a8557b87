import { encodeEntry, MemoryError, quoteId, type Revision } from "@deep-agent/core/adapter";
import { BACKEND } from "./file-error.ts";
import { encodeLine, type LineKind } from "./line.ts";
import { formatRevision } from "./revision.ts";

/** The largest append and the largest save: bytes of their records. Each is one write, a save too. */
export const MAX_APPEND_BYTES: number = 64 * 1024 * 1024;
const MAX_SAVE_BYTES: number = 1024 * 1024 * 1024;

/** How late the time of an append may be, in microseconds: less than its write takes. */
const LATE = 64;

/** The lines that one write adds to a file at a given place. */
export interface Lines {
  bytes: Buffer;
  /** The revision after these lines, in the log with this epoch. */
  revision(epoch: string): Revision;
}

/** An append is one line. */
export function encodeAppend(
  memoryId: string,
  operationId: string,
  recordTexts: readonly string[],
  start: number,
): Lines {
  checkSize("An append", memoryId, recordTexts, MAX_APPEND_BYTES);
  // Two processes may store one operation at the same moment. If their lines were equal, the second one would be taken
  // for a copy that somebody made by hand, so each writer is a little late, by a time of its own.
  const at = now() + Math.floor(Math.random() * LATE);
  return linesOf([encodeLine("entry", start, encodeEntry(operationId, at, recordTexts))], start);
}

/**
 * A save has a line for each record, and then a line without a record, which makes the others count. The payload of
 * each is `{"t":…,"at":…,"from":…,"r":[…]}`: `from` is the place at which the first line of the save begins. `kept`:
 * the operation ids of appends that stay known. They stand in a line of their own before the last one, so that a
 * compaction drops them with the records of the save.
 */
export function encodeSave(
  memoryId: string,
  operationId: string,
  recordTexts: readonly string[],
  start: number,
  kept: readonly string[] = [],
): Lines {
  checkSize("A save", memoryId, recordTexts, MAX_SAVE_BYTES);
  const at = now();
  const lines: Buffer[] = [];
  let position = start;
  const add = (kind: LineKind, record: string, more = ""): void => {
    const line = encodeLine(kind, position, `{"t":"${operationId}","at":${at},"from":${start},"r":[${record}]${more}}`);
    lines.push(line);
    position += line.length;
  };
  for (const text of recordTexts) add("part", text);
  if (kept.length > 0) add("part", "", `,"kept":${JSON.stringify(kept)}`);
  add("save", "");
  return linesOf(lines, start);
}

function linesOf(lines: readonly Buffer[], start: number): Lines {
  const bytes = Buffer.concat(lines);
  const crc = bytes.toString("latin1", bytes.length - '00000000"]'.length, bytes.length - '"]'.length);
  return { bytes, revision: (epoch) => formatRevision({ epoch, offset: start + bytes.length, crc }) };
}

function checkSize(what: string, memoryId: string, recordTexts: readonly string[], most: number): void {
  const bytes = recordTexts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= most) return;
  throw new MemoryError(
    "RECORD_TOO_LARGE",
    `${what} to memory ${quoteId(memoryId)} has ${bytes} bytes; at most ${most} are allowed.`,
    {
      backend: BACKEND,
      memoryId,
      hint: "Store large content elsewhere, and a reference to it in the memory.",
    },
  );
}

/** Microseconds since 1970. */
export function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}
