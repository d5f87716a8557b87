import type { Revision } from "@deep-agent/core/adapter";

/** A place in a log: after `position` of its entries. */
export interface Place {
  /** Identifies the log: a new random text for each `save`, and for a memory that is created again after its delete. */
  epoch: string;
  /** The number of entries before the place. */
  position: number;
  /**
   * A random text of the last entry before the place; empty if there is no entry. The position alone is not enough: a
   * database that was restored from a backup soon has another entry at the same position.
   */
  mark: string;
}

export function formatRevision({ epoch, position, mark }: Place): Revision {
  return `${epoch}.${position}.${mark}`;
}

/** `undefined` if it is not a revision of this adapter. */
export function parseRevision(revision: Revision): Place | undefined {
  const [, epoch, position, mark] = /^([\w-]{22})\.(\d{1,15})\.([\w-]{22}|)$/.exec(revision) ?? [];
  if (epoch === undefined || position === undefined || mark === undefined) return undefined;
  return { epoch, position: Number(position), mark };
}
