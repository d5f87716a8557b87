import { type AppendOptions, entryPrefix, type Revision } from "@deep-agent/core";
import { conflict } from "./file-error.ts";
import type { LogFile, PlacedLine } from "./log-file.ts";
import { formatRevision, parseRevision } from "./revision.ts";

/** How far back a duplicate is searched where the caller does not say what it knew. */
const SEARCHED_ENTRIES = 64;

/** A write, as far as it depends on what is there. */
export interface Write extends Pick<AppendOptions, "since" | "expectedRevision"> {
  memoryId: string;
  operationId: string;
  /** Search all that was ever written for the operation, though `since` was not given. */
  exhaustive?: boolean;
}

export interface Judgement {
  /** The line of the same operation; `null`: the write may be made. */
  duplicate: PlacedLine | null;
  /** Nothing counts in the log. */
  empty: boolean;
}

/**
 * Judges a write against the log as it is up to `end`. Rejects with `CONFLICT` where the log is not what the write expects.
 *
 * An operation that was tried before can only lie behind what its caller knew before the first attempt (`since`). Where the
 * log is no longer the one that this speaks of, all of it is searched.
 */
export async function judge(log: LogFile, end: number, write: Write): Promise<Judgement> {
  const { since, operationId } = write;
  const known = typeof since === "string" ? parseRevision(since) : null;
  const continues = known !== null && (await log.holds(known, end));
  const prefix = entryPrefix(operationId);
  let head: Revision | null = null;
  let replaced = false;
  let searched = 0;
  for await (const line of log.back(end, continues ? known.offset : 0)) {
    head ??= log.revisionOf(line);
    if (line.payload.startsWith(prefix)) return { duplicate: line, empty: false };
    if (line.kind === "save" && continues) replaced = true;
    if (since === undefined && !write.exhaustive && ++searched === SEARCHED_ENTRIES) break;
  }
  if (write.exhaustive) {
    // A save that was replaced by another one was made all the same.
    for await (const line of log.all(end)) {
      if (line.kind === "save" && line.payload.startsWith(prefix)) return { duplicate: line, empty: false };
    }
  }
  if (replaced) {
    for await (const line of log.back(end))
      if (line.payload.startsWith(prefix)) return { duplicate: line, empty: false };
  }
  if (continues) head ??= formatRevision(known);
  expect(write, head, typeof since === "string" ? continues && !replaced : since === undefined || head === null);
  return { duplicate: null, empty: head === null };
}

/** Judges a write to a memory that is not there. */
export function judgeAbsent(write: Write): void {
  expect(write, null, typeof write.since !== "string");
}

function expect({ memoryId, expectedRevision }: Write, head: Revision | null, continues: boolean): void {
  if (!continues || (expectedRevision !== undefined && expectedRevision !== head)) throw conflict(memoryId);
}
