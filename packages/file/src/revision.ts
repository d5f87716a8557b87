import type { Revision } from "@deep-agent/core/adapter";

/**
 * A place in a log, right after a line that counts. Its text is `<epoch>.<offset>.<crc of that line>`. The epoch
 * identifies the log. The checksum shows whether the line still stands there.
 */
export interface Place {
  epoch: string;
  offset: number;
  crc: string;
}

export function formatRevision({ epoch, offset, crc }: Place): Revision {
  return `${epoch}.${offset}.${crc}`;
}

/** `null`: the text is not a revision of this adapter. */
export function parseRevision(revision: Revision): Place | null {
  const [, epoch, offset, crc] = /^([\w-]+)\.(\d{1,15})\.([0-9a-f]{8})$/.exec(revision) ?? [];
  return epoch === undefined || crc === undefined ? null : { epoch, offset: Number(offset), crc };
}

/**
 * Where a page begins, to find the page before it. Its text is `<offset>-<floor>@<revision>`. The log is known as of
 * that revision, and begins at `floor` (0: no save was read so far).
 */
export interface PageStart {
  offset: number;
  floor: number;
  seen: Revision;
}

export function formatPageStart({ offset, floor, seen }: PageStart): Revision {
  return `${offset}-${floor}@${seen}`;
}

/** `null`: the text is not a page start of this adapter. */
export function parsePageStart(start: Revision): PageStart | null {
  const [, offset, floor, seen] = /^(\d{1,15})-(\d{1,15})@(.+)$/.exec(start) ?? [];
  return seen === undefined ? null : { offset: Number(offset), floor: Number(floor), seen };
}
