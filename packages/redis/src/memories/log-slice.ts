import { decodeEntry, MemoryError, type ReadOptions, type Snapshot, windowStart } from "@deep-agent/core/adapter";
import type { Header } from "../layout/header.ts";
import { formatRevision, isMark, timeOf } from "../layout/revision.ts";
import type { ReadPart } from "../scripts/read.ts";
import { damaged } from "./memory-errors.ts";

/** Entries that follow each other in a log. */
export interface LogSlice extends ReadPart {
  readonly header: Header;
}

/** A whole log as a slice of itself. */
export function wholeLog(header: Header, entries: readonly string[]): LogSlice {
  const { dropped } = header;
  return {
    header,
    position: dropped + entries.length,
    at: timeOf(entries.at(-1) ?? ""),
    verdict: "",
    floor: dropped,
    from: dropped,
    atBefore: "0",
    entries,
  };
}

/**
 * Takes the newest `count` entries of `length`, or all, from the last `count + 1` list elements; the extra one is the
 * entry before them, or the header. `undefined`: those are not the elements that were asked for.
 */
export function newestOf(
  header: Header,
  length: number,
  count: number,
  elements: readonly string[],
): LogSlice | undefined {
  const [previous = "", ...entries] = elements;
  const at = timeOf(entries.at(-1) ?? previous);
  // A mock of Redis answers fewer if more are asked for than there are.
  if (at === "0" || entries.length !== Math.min(count, length)) return undefined;
  const position = header.dropped + length;
  return {
    header,
    position,
    at,
    verdict: "",
    floor: header.dropped,
    from: position - entries.length,
    atBefore: entries.length === length || isMark(previous) ? "0" : timeOf(previous),
    entries,
  };
}

/**
 * The slice as its reader gets it: with `last`, the newest of its entries that hold at least that many records.
 * `undefined`: it has too few, though the log may have more.
 */
export function snapshotOf<T extends object>(
  memoryId: string,
  slice: LogSlice,
  { last, since, before }: ReadOptions,
): Snapshot<T> | undefined {
  const { header, position, at, verdict, floor, entries } = slice;
  const pages: T[][] = [];
  const first = windowStart({ floor: 0, end: entries.length }, last, (index) => {
    const page = recordsOf<T>(memoryId, slice, index);
    pages.push(page);
    return page.length;
  });
  const records = pages.reverse().flat();
  const isShort = first === 0 && records.length < (last ?? Number.POSITIVE_INFINITY);
  if (isShort && slice.from > floor && slice.atBefore !== "0") return undefined;
  const from = slice.from + first;
  const lost = verdict === "lost" || verdict === "other" || (verdict === "dropped" && before === undefined);
  const previous = entries[first - 1] ?? "";
  const atBefore = first === 0 ? slice.atBefore : isMark(previous) ? "0" : timeOf(previous);
  return {
    records,
    revision: formatRevision(header.epoch, position, at),
    start: from <= header.dropped || atBefore === "0" ? null : formatRevision(header.epoch, from, atBefore),
    reset: lost || (since !== undefined && from > floor),
    regressed: verdict === "lost",
  };
}

function recordsOf<T extends object>(memoryId: string, { entries, from }: LogSlice, index: number): T[] {
  const place = `entry ${from + index + 1}`;
  try {
    return decodeEntry<T>(entries[index] ?? "", place).records;
  } catch (error) {
    if (!MemoryError.is(error)) throw error;
    throw damaged(memoryId, `${place} is not what was written`);
  }
}
