import type { Revision } from "@deep-agent/core/adapter";

/**
 * A place in a log: behind a line that counts. As text, `<epoch>.<offset>.<crc of that line>`: the epoch names the file's
 * log, the checksum tells whether the line that stood there still does.
 */
export interface Place {
  epoch: string;
  offset: number;
  crc: string;
}

export function formatRevision({ epoch, offset, crc }: Place): Revision {
  return `${epoch}.${offset}.${crc}`;
}

/** `null`: no revision of this adapter. */
export function parseRevision(revision: Revision): Place | null {
  const [, epoch, offset, crc] = /^([\w-]+)\.(\d{1,15})\.([0-9a-f]{8})$/.exec(revision) ?? [];
  return epoch === undefined || crc === undefined ? null : { epoch, offset: Number(offset), crc };
}

/**
 * Where a page begins, for the page before it. As text, `<offset>-<floor>@<revision>`: the log is known as of that revision,
 * and begins at `floor` (0: no save was met on the way).
 */
export interface PageStart {
  offset: number;
  floor: number;
  seen: Revision;
}

export function formatPageStart({ offset, floor, seen }: PageStart): Revision {
  return `${offset}-${floor}@${seen}`;
}

/** `null`: no page start of this adapter. */
export function parsePageStart(start: Revision): PageStart | null {
  const [, offset, floor, seen] = /^(\d{1,15})-(\d{1,15})@(.+)$/.exec(start) ?? [];
  return seen === undefined ? null : { offset: Number(offset), floor: Number(floor), seen };
}
