import type { Revision } from "@deep-agent/core";

/** What a reader knew of a memory that may have turns waiting beside the primary's log. */
export interface Known {
  /** How far into the primary's log; `null`: it was not seen. */
  primary: Revision | null;
  /** The operation id of the last turn that was seen waiting to follow there; `null`: none was. */
  waiting: string | null;
}

/** A revision of a backend with a fallback: JSON of both. */
export function encodeKnown({ primary, waiting }: Known): Revision {
  return JSON.stringify([primary, waiting]);
}

/** `undefined`: it is no revision of such a backend. */
export function decodeKnown(revision: Revision): Known | undefined {
  let value: unknown;
  try {
    value = JSON.parse(revision);
  } catch {
    return undefined; // nothing that was made here
  }
  if (!Array.isArray(value) || value.length !== 2 || !value.every(isPart)) return undefined;
  const [primary, waiting] = value as [string | null, string | null]; // just checked
  return { primary, waiting };
}

function isPart(part: unknown): boolean {
  return part === null || typeof part === "string";
}
