import { decodeEntry } from "@deep-agent/core/adapter";
import type { LogFile, PlacedLine } from "./log-file.ts";
import type { Segment } from "./segments.ts";

/**
 * How many replaced saves are kept, so that a save which is tried again is found by its operation id and not made
 * twice.
 */
const KEPT_SAVES = 100;

/** The parts of a log that a compaction has to keep. */
export interface LiveSegments {
  /** Oldest first. */
  segments: Pick<Segment, "start" | "end">[];
  /** The place at which the log begins: nothing before it counts. */
  from: number;
  /** When the first write of the log was made: µs since 1970. */
  first: number;
}

/**
 * Finds what counts in a log up to `end`; `null`: nothing counts. The rest was replaced by a save, was torn, or lost a
 * race.
 *
 * If a line after the last save is damaged, everything after that save is kept as it is: the damage is neither repaired
 * nor lost. With `strict`, all damage is reported to the `DamageHandler` of the log, wherever it is.
 */
export async function findLiveSegments(log: LogFile, end: number, strict: boolean): Promise<LiveSegments | null> {
  const segments: Pick<Segment, "start" | "end">[] = [];
  const keep = (start: number, until: number): void => {
    const last = segments.at(-1);
    if (last?.start === until) last.start = start;
    else segments.push({ start, end: until });
  };
  let from: number | undefined;
  let replaced = 0;
  let oldest: PlacedLine | undefined;
  let damaged = false;
  const lines = log.all(end, async (place, report) => {
    damaged ||= from === undefined || place >= from;
    if (strict) await report();
  });
  for await (const line of lines) {
    if (line.kind === "seal") continue;
    oldest = line;
    const replacedBefore = from !== undefined && line.start < from;
    if (replacedBefore && (line.kind !== "save" || ++replaced > KEPT_SAVES)) continue;
    if (line.kind === "part" && from === undefined) continue;
    if (line.kind === "save") from ??= log.beginOf(line);
    keep(line.start, line.end);
  }
  if (oldest === undefined || (segments.length === 0 && !damaged)) return null;
  const begin = from ?? log.begin;
  if (damaged) {
    const older = segments.filter(({ start }) => start < begin);
    for (const segment of older) segment.end = Math.min(segment.end, begin);
    segments.splice(0, segments.length, { start: begin, end }, ...older);
  }
  const { at } = decodeEntry(oldest.payload, log.placeOf(oldest));
  return { segments: segments.reverse(), from: begin, first: log.firstAt ?? at };
}
