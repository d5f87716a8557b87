import { type AppendOptions, conflict, entryPrefix, type Revision } from "@deep-agent/core/adapter";
import { BACKEND } from "./file-error.ts";
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
  /** What was there before does not count any more. */
  replaces?: boolean;
}

/** What a write was found to be in one state of a log. */
export interface Judgement {
  epoch: string;
  /** The line of the same operation; `null`: the write may be made. */
  duplicate: PlacedLine | null;
  /** The revision of the log; `null`: nothing counts in it. */
  head: Revision | null;
}

/**
 * Judges a write against the log as it is up to `end`; where it was judged `earlier`, only by what has come since, so that
 * who is overtaken catches up. Rejects with `CONFLICT` where the log is not what the write expects.
 */
export async function judgeWrite(log: LogFile, end: number, write: Write, earlier?: Judgement): Promise<Judgement> {
  // Where the operation was found, it need not stand behind the head of then.
  const usable = earlier?.epoch === log.epoch && earlier.duplicate === null;
  const judged = usable ? await judgeNews(log, end, write, earlier.head) : null;
  return judged ?? judgeAll(log, end, write);
}

/** Judges a write to a memory that is not there. */
export function judgeAbsent(write: Write): void {
  expect(write, null, typeof write.since !== "string");
}

/** `null`: the news change more than the end of the log. */
async function judgeNews(log: LogFile, end: number, write: Write, before: Revision | null): Promise<Judgement | null> {
  const known = before === null ? null : parseRevision(before);
  if (known !== null && !(await log.holds(known, end))) return null;
  const { epoch } = log;
  const prefix = entryPrefix(write.operationId);
  let head: Revision | null = null;
  for await (const line of log.back(end, known?.offset)) {
    head ??= log.revisionOf(line);
    if (line.kind === "save") return null;
    if (line.payload.startsWith(prefix)) return { epoch, duplicate: line, head };
  }
  if (head !== null && write.since === null) return null;
  head ??= before;
  expect(write, head, true);
  return { epoch, duplicate: null, head };
}

/**
 * An operation that was tried before can only lie behind what its caller knew before the first attempt (`since`). Where the
 * log is no longer the one that this speaks of, all of it is searched.
 */
async function judgeAll(log: LogFile, end: number, write: Write): Promise<Judgement> {
  const { epoch } = log;
  const { since, operationId } = write;
  const known = typeof since === "string" ? parseRevision(since) : null;
  const continues = known !== null && (await log.holds(known, end));
  const prefix = entryPrefix(operationId);
  let head: Revision | null = null;
  let replaced = false;
  let searched = 0;
  for await (const line of log.back(end, continues ? known.offset : 0)) {
    head ??= log.revisionOf(line);
    if (line.payload.startsWith(prefix)) return { epoch, duplicate: line, head };
    if (line.kind === "save" && continues) replaced = true;
    if (since === undefined && !write.exhaustive && ++searched === SEARCHED_ENTRIES) break;
  }
  if (write.exhaustive) {
    // A save that was replaced by another one was made all the same.
    for await (const line of log.all(end)) {
      if (line.kind === "save" && line.payload.startsWith(prefix)) return { epoch, duplicate: line, head };
    }
  }
  if (replaced) {
    for await (const line of log.back(end))
      if (line.payload.startsWith(prefix)) return { epoch, duplicate: line, head };
  }
  if (continues) head ??= formatRevision(known);
  expect(write, head, typeof since === "string" ? continues && !replaced : since === undefined || head === null);
  return { epoch, duplicate: null, head };
}

function expect({ memoryId, expectedRevision }: Write, head: Revision | null, continues: boolean): void {
  if (!continues || (expectedRevision !== undefined && expectedRevision !== head)) throw conflict(memoryId, BACKEND);
}
