import { MemoryError } from "../contract/memory-error.ts";

/** How long a memory lives after its last write: milliseconds, or text such as `"7d"`, `"24h"`, `"90s"`; `0` or `null`: for ever. */
export type Ttl = number | string | null;

/** 100 years in milliseconds: what is longer was not meant, and the times that come of it must stay exact numbers. */
const MAX_TTL = 100 * 365.25 * 24 * 60 * 60 * 1000;

/** The TTL in whole milliseconds; `null`: never expires. Throws `INVALID_CONFIG` for anything that is not a {@link Ttl}. */
export function parseTtl(ttl: Ttl): number | null {
  if (ttl === null) return null;
  const value = typeof ttl === "string" ? parseText(ttl.trim()) : ttl;
  if (typeof value !== "number" || !(value >= 0 && value <= MAX_TTL) || (value > 0 && value < 1)) {
    throw new MemoryError("INVALID_CONFIG", `The TTL ${shown(ttl)} is not a time of at most 100 years.`, {
      hint: 'Give milliseconds (86400000), text with a unit ("7d", "24h", "90s"), or 0 or null for never.',
    });
  }
  return value === 0 ? null : Math.round(value);
}

const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

/** What a unit is called, and its milliseconds: those of the package `ms`, which takes a third of the time that core takes to import. */
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
  // "60" would be 60 ms, and was hardly meant so.
  if (name === "") return Number(number) === 0 ? 0 : undefined;
  const unit = units.find(([pattern]) => pattern.test(name));
  return unit && Number(number) * unit[1];
}

function shown(ttl: unknown): string {
  return typeof ttl === "string"
    ? JSON.stringify(ttl.length > 100 ? `${ttl.slice(0, 100)}…` : ttl)
    : process.getBuiltinModule("node:util").inspect(ttl, { depth: 0 });
}
