import { type AppendOptions, conflict, entryPrefix, type Revision } from "@deep-agent/core/adapter";
import { BACKEND } from "./file-error.ts";
import { keptBy } from "./kept-appends.ts";
import type { LogFile, PlacedLine } from "./log-file.ts";
import { formatRevision, parseRevision } from "./revision.ts";

/** How many entries are searched for a duplicate if the caller does not give `since`. */
const SEARCHED_ENTRIES = 64;

/** The part of a write that depends on the state of the log. */
export interface Write extends Pick<AppendOptions, "since" | "expectedRevision"> {
  memoryId: string;
  operationId: string;
  /** Search the whole file for the operation, although `since` was not given. */
  exhaustive?: boolean;
  /** Whether the write replaces everything before it. */
  replaces?: boolean;
  /** Whether the appends that the write replaces stay known. */
  keepsAppends?: boolean | undefined;
}

/** How a write was judged in one state of the log. */
export interface Judgement {
  epoch: string;
  /** The line of the same operation, or of a save that keeps it known; `null`: the write may be made. */
  duplicate: PlacedLine | null;
  /** The revision of the log; `null`: nothing counts in it. */
  head: Revision | null;
}

/**
 * Judges a write against the log up to `end`. If the write was judged `earlier`, only the lines since then are read, so
 * that a writer which lost a race can catch up. Rejects with `CONFLICT` if the log is not what the write expects.
 */
export async function judgeWrite(log: LogFile, end: number, write: Write, earlier?: Judgement): Promise<Judgement> {
  // A duplicate that was found earlier may stand before the earlier head, so that judgement cannot be used again.
  const usable = earlier?.epoch === log.epoch && earlier.duplicate === null;
  const judged = usable ? await judgeNews(log, end, write, earlier.head) : null;
  return judged ?? judgeAll(log, end, write);
}

/** Judges a write to an absent memory. Throws `CONFLICT` if the write expects a memory. */
export function judgeAbsent(write: Write): void {
  expect(write, null, typeof write.since !== "string");
}

/** Judges by the lines that came after `before`. `null`: they change more than the end of the log. */
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
 * Judges by the whole log. An earlier attempt can only stand after what the caller knew before its first attempt
 * (`since`), so only that part is searched. If the log does not continue `since`, all of it is searched.
 */
async function judgeAll(log: LogFile, end: number, write: Write): Promise<Judgement> {
  const { epoch } = log;
  const { since, operationId } = write;
  const known = typeof since === "string" ? parseRevision(since) : null;
  const continues = known !== null && (await log.holds(known, end));
  const duplicateIn = finderOf(write);
  let head: Revision | null = null;
  let replaced = false;
  let searched = 0;
  for await (const line of log.back(end, continues ? known.offset : 0)) {
    head ??= log.revisionOf(line);
    const duplicate = duplicateIn(line);
    if (duplicate !== null) return { epoch, duplicate, head };
    if (line.kind === "save" && continues) replaced = true;
    if (line.kind === "save") continue;
    if (since === undefined && !write.exhaustive && ++searched === SEARCHED_ENTRIES) break;
  }
  if (write.exhaustive) {
    // A save that was replaced by another save was still made.
    for await (const line of log.all(end)) {
      if (line.kind === "save" && line.payload.startsWith(entryPrefix(operationId)))
        return { epoch, duplicate: line, head };
    }
  }
  if (replaced) {
    const duplicateInAll = finderOf(write);
    for await (const line of log.back(end)) {
      const duplicate = duplicateInAll(line);
      if (duplicate !== null) return { epoch, duplicate, head };
    }
  }
  if (continues) head ??= formatRevision(known);
  expect(write, head, typeof since === "string" ? continues && !replaced : since === undefined || head === null);
  return { epoch, duplicate: null, head };
}

/**
 * A function that is given the lines of a log, newest first, and answers the one that shows that the write was made
 * before: its own line, or the last line of a save that keeps it known.
 */
function finderOf({ operationId, replaces = false }: Write): (line: PlacedLine) => PlacedLine | null {
  const prefix = entryPrefix(operationId);
  let save: PlacedLine | null = null;
  return (line) => {
    if (line.kind === "save") save = line;
    if (line.payload.startsWith(prefix)) return line;
    return !replaces && keptBy(line).includes(operationId) ? save : null;
  };
}

function expect({ memoryId, expectedRevision }: Write, head: Revision | null, continues: boolean): void {
  if (!continues || (expectedRevision !== undefined && expectedRevision !== head)) throw conflict(memoryId, BACKEND);
}
