import { markdownTable } from "markdown-table";
import type { Spread } from "../spread.ts";

/** The first column is text, the others are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable([[...head], ...rows.map((row) => [...row])], {
    align: head.map((_, column) => (column === 0 ? "l" : "r")),
  });
}

export function count(number: number): string {
  return number.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** To three digits: more were not measured. */
export function digits(number: number): string {
  return Number(number.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** A median in ms, and behind it the inner half of what was measured. */
export function milliseconds({ median, low, high }: Spread): string {
  return `${digits(median)} (${digits(low)}–${digits(high)})`;
}

export function rate({ median, low, high }: Spread): string {
  return `${count(median)} (${count(low)}–${count(high)})`;
}

/** In the unit that makes it short: 1 kB is 1,000 bytes. */
export function bytes(number: number | undefined | null): string {
  if (number === undefined || number === null) return "–";
  if (number >= 1_000_000) return `${digits(number / 1_000_000)} MB`;
  return number >= 10_000 ? `${digits(number / 1_000)} kB` : `${count(number)} B`;
}
