import { markdownTable } from "markdown-table";
import type { Spread } from "../spread.ts";

/** The first column is text, the others are numbers. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return markdownTable([[...head], ...rows.map((row) => [...row])], {
    align: head.map((_, column) => (column === 0 ? "l" : "r")),
  });
}

/** Columns that a line of prose may have. */
const COLUMNS = 120;

/** Markdown that has each paragraph and list item in one line, in lines of at most 120 columns. Tables stay wide. */
export function wrapped(markdown: string): string {
  return markdown
    .split("\n")
    .map((line) => (/^(?:\||!\[)/.test(line) ? line : wrappedLine(line)))
    .join("\n");
}

function wrappedLine(text: string): string {
  const indent = text.startsWith("- ") ? "  " : "";
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || longer.length <= COLUMNS) {
      line = longer;
      continue;
    }
    lines.push(line);
    line = indent + word;
  }
  return [...lines, line].join("\n");
}

export function count(number: number): string {
  return number.toLocaleString("en-US", { maximumFractionDigits: 0 });
}

/** To three digits: the measurements are not more exact. */
export function digits(number: number): string {
  return Number(number.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** A median in ms, and after it the quartiles. */
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
