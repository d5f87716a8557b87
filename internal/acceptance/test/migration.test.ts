import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

const page = readFileSync(join(__dirname, "../../../docs/migration.md"), "utf8");
const rows = page.split("\n").filter((line) => /^\| \d+ \|/.test(line));

describe("the table of the Go library's methods", () => {
  it("has its 18 rows, in order", () => {
    expect(rows.map((row) => Number(row.split("|")[1]))).toEqual(Array.from({ length: 18 }, (_, index) => index + 1));
  });

  // docs:check checks that the headings exist.
  it.each(rows)("leads to a page and a heading: %s", (row) => {
    const cells = row.split(" | ");
    expect(cells).toHaveLength(4);
    expect(cells[3]).toMatch(/^\[[^\]]+\]\([\w./-]+\.md#[\w-]+\)/);
  });
});
