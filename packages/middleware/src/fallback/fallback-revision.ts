import type { Revision } from "@deep-agent/core/adapter";

/**
 * What a reader knew of a memory that may have turns waiting beside the primary's log. As a `Revision`: JSON of both.
 */
export interface FallbackRevision {
  /** How far into the primary's log; `null`: it was not seen. */
  primary: Revision | null;
  /** The operation id of the last turn that was seen waiting to follow there; `null`: none was. */
  waiting: string | null;
}

export function formatFallbackRevision({ primary, waiting }: FallbackRevision): Revision {
  return JSON.stringify([primary, waiting]);
}

/** What was not made here is taken for a revision of the primary alone, which can judge it. */
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

/** Whether the primary can tell what came after it: it was seen, and nothing else was. */
export function isOfPrimary({ primary, waiting }: FallbackRevision): boolean {
  return primary !== null && waiting === null;
}

function isPart(part: unknown): boolean {
  return part === null || typeof part === "string";
}
