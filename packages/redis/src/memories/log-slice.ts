import { decodeEntry, MemoryError, type ReadOptions, type Snapshot } from "@deep-agent/core/adapter";
import { damaged } from "../calls/redis-error.ts";
import type { Header } from "../layout/header.ts";
import { formatRevision, isMark, timeOf } from "../layout/revision.ts";

/** Entries that stand behind each other in a log, as READ answers them. Positions are those of scripts.ts. */
export interface LogPart {
  header: Header;
  /** Of the log's last entry. */
  position: number;
  /** When that was written, as text. */
  at: string;
  /** What the log is to the reader's revision; `""`: it named none. */
  verdict: "" | "holds" | "edge" | "dropped" | "lost" | "other";
  /** Where the entries that were asked for begin, but for those that `last` cut. */
  floor: number;
  /** The position before the first of `entries`, and when the entry there was written; `"0"`: nothing with records stands there. */
  from: number;
  atBefore: string;
  entries: readonly string[];
}

/** A whole log as a part of itself. */
export function wholeLog(header: Header, entries: readonly string[]): LogPart {
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
 * The newest `count` of so many entries, or all, out of the last elements of their list: one more than that, the header or the entry before.
 * `undefined`: those are not what was asked for.
 */
export function newestOf(
  header: Header,
  length: number,
  count: number,
  elements: readonly string[],
): LogPart | undefined {
  const [previous = "", ...entries] = elements;
  const at = timeOf(entries.at(-1) ?? previous);
  // A mock of Redis answers fewer where more are asked for than there are.
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
 * The part as its reader gets it: with `last`, the newest of its entries that hold at least so many records. `undefined`: it has too
 * few, though the log may have more.
 */
export function snapshotOf<T extends object>(
  memoryId: string,
  part: LogPart,
  { last = Number.POSITIVE_INFINITY, since, before }: ReadOptions,
): Snapshot<T> | undefined {
  const { header, position, at, verdict, floor, entries } = part;
  const pages: T[][] = [];
  let first = entries.length;
  for (let records = 0; first > 0 && records < last; ) {
    first -= 1;
    const page = recordsOf<T>(memoryId, part, first);
    records += page.length;
    pages.push(page);
    if (first === 0 && records < last && part.from > floor && part.atBefore !== "0") return undefined;
  }
  const from = part.from + first;
  const lost = verdict === "lost" || verdict === "other" || (verdict === "dropped" && before === undefined);
  const previous = entries[first - 1] ?? "";
  const atBefore = first === 0 ? part.atBefore : isMark(previous) ? "0" : timeOf(previous);
  return {
    records: pages.reverse().flat(),
    revision: formatRevision(header.epoch, position, at),
    start: from <= header.dropped || atBefore === "0" ? null : formatRevision(header.epoch, from, atBefore),
    reset: lost || (since !== undefined && from > floor),
    regressed: verdict === "lost",
  };
}

function recordsOf<T extends object>(memoryId: string, { entries, from }: LogPart, index: number): T[] {
  const place = `entry ${from + index + 1}`;
  try {
    return decodeEntry<T>(entries[index] ?? "", place).records;
  } catch (error) {
    if (!MemoryError.is(error)) throw error;
    throw damaged(memoryId, `${place} is not what was written`);
  }
}
