import type { Revision } from "@deep-agent/core/adapter";

/** A place in a log: behind so many of its entries. */
export interface Place {
  /** Which log: another random text after each `save`, and when a memory is made again after its delete. */
  epoch: string;
  /** How many entries are before it. */
  position: number;
  /**
   * A random text of the last entry before it, empty where there is none. A number alone would not do: a database that
   * was restored from a backup soon has another entry at the same position.
   */
  mark: string;
}

export function formatRevision({ epoch, position, mark }: Place): Revision {
  return `${epoch}.${position}.${mark}`;
}

/** `undefined`: no revision of this adapter. */
export function parseRevision(revision: Revision): Place | undefined {
  const [, epoch, position, mark] = /^([\w-]{22})\.(\d{1,15})\.([\w-]{22}|)$/.exec(revision) ?? [];
  if (epoch === undefined || position === undefined || mark === undefined) return undefined;
  return { epoch, position: Number(position), mark };
}
