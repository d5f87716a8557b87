import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = join(__dirname, "../../..");

describe("the README", () => {
  it("prints the adapter that the promises are tested on, in at most 60 lines", () => {
    const adapter = readFileSync(join(__dirname, "support/sqlite-backend.ts"), "utf8");
    expect(readFileSync(join(root, "README.md"), "utf8")).toContain(`\`\`\`ts\n${adapter}\`\`\``);
    expect(adapter.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
  });
});
