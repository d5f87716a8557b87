import type { Revision } from "@deep-agent/core";

/* The revisions of the in-memory backend are `<epoch>.<number of entries>`. */

/** How many entries the log had at that revision. */
export function positionOf(revision: Revision): number {
  return Number(revision.split(".")[1]);
}

/** The revision of the same log `by` entries later, or earlier. */
export function moved(revision: Revision, by: number): Revision {
  return at(revision, positionOf(revision) + by);
}

/** The revision of the same log with `position` entries. */
export function at(revision: Revision, position: number): Revision {
  return `${revision.split(".")[0]}.${Math.max(0, position)}`;
}
