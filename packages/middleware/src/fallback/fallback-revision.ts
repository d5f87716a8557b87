import type { Revision } from "@deep-agent/core/adapter";

/**
 * What a reader knew of a memory: a place in the primary's log, and the turns that wait to follow there. As a
 * `Revision`, it is the JSON of both.
 */
export interface FallbackRevision {
  /** The revision of the primary's log; `null` if the reader has not seen that log. */
  primary: Revision | null;
  /** The operation id of the last waiting turn that the reader has seen; `null` if it has seen none. */
  waiting: string | null;
}

export function formatFallbackRevision({ primary, waiting }: FallbackRevision): Revision {
  return JSON.stringify([primary, waiting]);
}

/** A revision that was not made here counts as one of the primary, which can judge it. */
export function parseFallbackRevision(revision: Revision): FallbackRevision {
  let value: unknown;
  try {
    value = JSON.parse(revision);
  } catch {
    return { primary: revision, waiting: null };
  }
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isPart)) return { primary: revision, waiting: null };
  const [primary, waiting] = value as [string | null, string | null]; // just checked
  return { primary, waiting };
}

/**
 * Whether the primary can tell what came after this revision: the reader has seen the primary's log, and no waiting
 * turns.
 */
export function isOfPrimary({ primary, waiting }: FallbackRevision): boolean {
  return primary !== null && waiting === null;
}

function isPart(part: unknown): boolean {
  return part === null || typeof part === "string";
}
