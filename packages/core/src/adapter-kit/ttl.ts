import { MemoryError } from "../contract/memory-error.ts";

/**
 * How long a memory lives after its last write: milliseconds, or text with a unit, such as `"7d"`, `"24h"` or
 * `"90s"`. `0` or `null`: it never expires.
 */
export type Ttl = number | string | null;

/** 100 years in milliseconds. A longer time is a mistake, and sums with it must stay exact integers. */
const MAX_TTL = 100 * 365.25 * 24 * 60 * 60 * 1000;

/** The TTL in whole milliseconds; `null`: never expires. Throws `INVALID_CONFIG` if invalid or over 100 years. */
export function parseTtl(ttl: Ttl): number | null {
  if (ttl === null) return null;
  const value = typeof ttl === "string" ? parseText(ttl.trim()) : ttl;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_TTL) || (value > 0 && value < 1)) {
    throw new MemoryError("INVALID_CONFIG", `Invalid TTL ${shown(ttl)}: it must be a time of at most 100 years.`, {
      hint: 'Give milliseconds (86400000), text with a unit ("7d", "24h", "90s"), or 0 or null for no expiry.',
    });
  }
  return value === 0 ? null : Math.round(value);
}

const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

/**
 * The names of each unit, and its milliseconds: the units of the package `ms`, which is not used because it would add
 * a third to core's import time.
 */
const units: readonly (readonly [name: RegExp, ms: number])[] = [
  [/^(ms|msecs?|milliseconds?)$/i, 1],
  [/^(s|secs?|seconds?)$/i, SECOND],
  [/^(m|mins?|minutes?)$/i, 60 * SECOND],
  [/^(h|hrs?|hours?)$/i, 60 * 60 * SECOND],
  [/^(d|days?)$/i, DAY],
  [/^(w|weeks?)$/i, 7 * DAY],
  [/^(y|yrs?|years?)$/i, 365.25 * DAY],
];

function parseText(text: string): number | undefined {
  if (text.length > 100) return undefined;
  const [, number, name = ""] = /^(\d*\.?\d+) *([a-z]*)$/i.exec(text) ?? [];
  if (number === undefined) return undefined;
  // "60" would be 60 ms, which is hardly what was meant.
  if (name === "") return Number(number) === 0 ? 0 : undefined;
  const unit = units.find(([pattern]) => pattern.test(name));
  return unit && Number(number) * unit[1];
}

function shown(ttl: unknown): string {
  return typeof ttl === "string"
    ? JSON.stringify(ttl.length > 100 ? `${ttl.slice(0, 100)}…` : ttl)
    : process.getBuiltinModule("node:util").inspect(ttl, { depth: 0 });
}
