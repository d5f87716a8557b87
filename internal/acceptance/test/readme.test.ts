import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openBackend, user } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { fromConfig } from "./support/sqlite-backend.ts";

const root = join(__dirname, "../../..");

describe("the README", () => {
  it("prints the quick start that runs as an example", () => {
    const quickStart = readFileSync(join(root, "examples/quick-start/src/quick-start.ts"), "utf8");
    expect(readFileSync(join(root, "README.md"), "utf8")).toContain(`\`\`\`ts\n${quickStart}\`\`\``);
  });

  it("prints the adapter with which the promises are tested, in at most 60 lines", () => {
    const adapter = readFileSync(join(__dirname, "support/sqlite-backend.ts"), "utf8");
    expect(readFileSync(join(root, "README.md"), "utf8")).toContain(`\`\`\`ts\n${adapter}\`\`\``);
    expect(adapter.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
  });

  it("compares by numbers that are in the benchmarks", () => {
    const [, table = ""] =
      /^\| \| deep-agent \|.*\n\|.*\n((?:\|.*\n)+)/m.exec(readFileSync(join(root, "README.md"), "utf8")) ?? [];
    const rows = table.trimEnd().split("\n");
    expect(rows).toHaveLength(5);
    const numbers = rows.flatMap(
      (row) =>
        row
          .split("|")
          .slice(2)
          .join("|")
          .match(/\d[\d,.]*/g) ?? [],
    );
    const measured = new Set(readFileSync(join(root, "docs/benchmarks.md"), "utf8").match(/\d[\d,.]*/g));
    expect(numbers.filter((number) => !measured.has(number))).toEqual([]);
  });

  it("has an adapter that openBackend opens by its name", async () => {
    const load = async (name: string) => (name === "@acme/memory-sqlite" ? { fromConfig } : {});
    const backend = await openBackend({ adapter: "@acme/memory-sqlite", path: ":memory:" }, { load });
    await backend.save("user-alice", [user("hello")]);
    expect(await backend.list()).toEqual(["user-alice"]);
    const conditional = backend.save("user-alice", [], { expectedRevision: null });
    await expect(conditional).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    expect(await backend.load("user-alice")).toHaveLength(1);
  });
});
