import ms, { type StringValue } from "ms";
import { MemoryError } from "./memory-error.ts";

/** How long a memory lives after its last write: milliseconds, or text such as `"7d"`, `"24h"`, `"90s"`; `0` or `null`: for ever. */
export type Ttl = number | string | null;

/** 100 years in milliseconds: what is longer was not meant, and the times that come of it must stay exact numbers. */
const LONGEST_TTL = 100 * 365.25 * 24 * 60 * 60 * 1000;

/** The TTL in whole milliseconds; `null`: never expires. Throws `INVALID_CONFIG` for anything that is not a {@link Ttl}. */
export function parseTtl(ttl: Ttl): number | null {
  if (ttl === null) return null;
  const value = typeof ttl === "string" ? parseText(ttl.trim()) : ttl;
  if (typeof value !== "number" || !(value >= 0 && value <= LONGEST_TTL) || (value > 0 && value < 1)) {
    throw new MemoryError("INVALID_CONFIG", `The TTL ${shown(ttl)} is not a time of at most 100 years.`, {
      hint: 'Give milliseconds (86400000), text with a unit ("7d", "24h", "90s"), or 0 or null for never.',
    });
  }
  return value === 0 ? null : Math.round(value);
}

function parseText(text: string): number | undefined {
  // "60" would be 60 ms, and was hardly meant so.
  if (/^[\d.]+$/.test(text)) return Number(text) === 0 ? 0 : undefined;
  // `ms` throws where there is no text or too much of it, and answers undefined for what it does not understand, whatever
  // its type says of that.
  return text === "" || text.length > 100 ? undefined : ms(text as StringValue);
}

function shown(ttl: unknown): string {
  if (typeof ttl === "string") return JSON.stringify(ttl.length > 100 ? `${ttl.slice(0, 100)}…` : ttl);
  return typeof ttl === "object" || typeof ttl === "function" ? `(${typeof ttl})` : String(ttl);
}
