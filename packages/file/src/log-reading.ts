import { decodeEntry, type ReadOptions, type Revision, type Snapshot } from "@deep-agent/core/adapter";
import type { LogFile } from "./log-file.ts";
import { formatPageStart, type PageStart, parsePageStart, parseRevision } from "./revision.ts";

/**
 * The part of a log that the options ask for, up to `end`; `null`: nothing counts in the log, so there is no such
 * memory.
 */
export async function readLog<T extends object>(
  log: LogFile,
  end: number,
  options: ReadOptions,
): Promise<Snapshot<T> | null> {
  const { since, before, last } = options;
  if (before !== undefined) return readBefore(log, end, before, last);
  if (since !== undefined) return readSince(log, end, since, last);
  return readNewest(log, end, last, {});
}

async function readNewest<T extends object>(
  log: LogFile,
  end: number,
  last: number | undefined,
  { reset = false, regressed = false },
): Promise<Snapshot<T> | null> {
  const { records, newest, oldest, more } = await readPage<T>(log, end, { last });
  if (newest === null) return null;
  const start = more && oldest !== null ? formatPageStart({ ...oldest, seen: newest }) : null;
  return { records, revision: newest, start, reset, regressed };
}

async function readSince<T extends object>(
  log: LogFile,
  end: number,
  since: Revision,
  last: number | undefined,
): Promise<Snapshot<T> | null> {
  const known = parseRevision(since);
  if (known === null || known.epoch !== log.epoch || log.hasDropped(known))
    return readNewest(log, end, last, { reset: true });
  if (!(await log.holds(known, end))) return readNewest(log, end, last, { reset: true, regressed: true });
  const { records, newest, oldest, more, replaced } = await readPage<T>(log, end, { last, until: known.offset });
  if (replaced) return readNewest(log, end, last, { reset: true });
  const revision = newest ?? since;
  const start = formatPageStart({ ...(oldest ?? { offset: known.offset, floor: 0 }), seen: revision });
  return { records, revision, start, reset: more, regressed: false };
}

async function readBefore<T extends object>(
  log: LogFile,
  end: number,
  before: Revision,
  last: number | undefined,
): Promise<Snapshot<T> | null> {
  const place = parsePageStart(before);
  const seen = place === null ? null : parseRevision(place.seen);
  if (place === null || seen === null || !(await log.holds(seen, end)) || !isPageOf(log, place, seen.offset))
    return readNewest(log, end, last, { reset: true });
  const { newest, replaced } = await readPage<T>(log, end, { until: seen.offset });
  if (replaced) return readNewest(log, end, last, { reset: true });
  const revision = newest ?? place.seen;
  const { records, oldest, more } = await readPage<T>(log, place.offset, { last, floor: place.floor });
  const start = more && oldest !== null ? formatPageStart({ ...oldest, seen: revision }) : null;
  return { records, revision, start, reset: false, regressed: false };
}

/** Whether a page can begin there. The text comes from the caller, so it may be invalid. */
function isPageOf({ begin }: LogFile, { offset, floor }: PageStart, seen: number): boolean {
  return begin <= offset && offset <= seen && floor <= offset;
}

interface Page<T> {
  records: T[];
  /** The revision of the newest line that counts; `null`: no line counts in the range. */
  newest: Revision | null;
  /** Where the oldest entry of the page begins; `null`: the page has no entries. */
  oldest: Pick<PageStart, "offset" | "floor"> | null;
  /** Whether the range has older entries. */
  more: boolean;
  /** Whether the range has a save. */
  replaced: boolean;
}

interface Range {
  /** Only the newest entries that hold at least this many records together; default: all. */
  last?: number | undefined;
  /** Only the lines after this place. */
  until?: number;
  /** The place at which the log begins, if a newer page has met a save; default: 0. */
  floor?: number;
}

async function readPage<T extends object>(
  log: LogFile,
  end: number,
  { last, until = 0, floor = 0 }: Range,
): Promise<Page<T>> {
  const page: Page<T> = { records: [], newest: null, oldest: null, more: false, replaced: false };
  const entries: T[][] = [];
  let held = 0;
  let begin = floor;
  for await (const line of log.back(end, until, floor)) {
    page.newest ??= log.revisionOf(line);
    if (line.kind === "save") {
      page.replaced = true;
      begin = log.beginOf(line);
      continue;
    }
    if (last !== undefined && held >= last) {
      page.more = true;
      break;
    }
    const where = log.placeOf(line);
    const { records } = decodeEntry<T>(line.payload, where);
    entries.push(records);
    held += records.length;
    page.oldest = { offset: line.start, floor: begin };
  }
  page.records = entries.reverse().flat();
  return page;
}
