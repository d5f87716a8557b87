import type { Tally } from "./tally.ts";

const columns: readonly [title: string, value: (tally: Tally) => number][] = [
  ["faults", ({ faults }) => faults],
  ["acknowledged", ({ acknowledged }) => acknowledged],
  ["lost", ({ lost }) => lost],
  ["duplicated", ({ duplicated }) => duplicated],
  ["torn", ({ torn }) => torn],
  ["silently wrong", ({ silentlyWrong }) => silentlyWrong],
];

/** A row for each scenario, under a head. */
export function tableOf(tallies: readonly Tally[]): string {
  const rows = tallies.map((tally) => [
    tally.scenario,
    ...columns.map(([, value]) => value(tally).toLocaleString("en-US")),
  ]);
  const head = ["scenario", ...columns.map(([title]) => title)];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  ");
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
