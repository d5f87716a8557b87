import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { indexProblems } from "../../../scripts/docs/indexes.ts";
import { shown } from "../../../scripts/docs/problem.ts";

/** Documentation in which every page has a link in its index. */
const complete = {
  "README.md": "[all pages](docs/README.md), [all examples](examples/README.md), [core](packages/core/README.md)",
  "docs/README.md": "[redis](redis.md#tls), [the first decision](./decisions/0001-first.md)",
  "docs/redis.md": "# Redis\n\n## TLS",
  "docs/decisions/0001-first.md": "# 1. First",
  "examples/README.md": "| [chat](chat/README.md) |",
  "examples/chat/README.md": "# Chat",
  "packages/core/README.md": "# Core",
};

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "deep-agent-indexes-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The problems that are found in these pages. */
function problemsOf(pages: Readonly<Record<string, string>>): string[] {
  for (const [page, text] of Object.entries(pages)) {
    mkdirSync(dirname(join(root, page)), { recursive: true });
    writeFileSync(join(root, page), text);
  }
  return indexProblems(root, Object.keys(pages)).map(shown);
}

describe("the indexes of the documentation", () => {
  it("are complete if each page has a link in its own", () => {
    expect(problemsOf(complete)).toEqual([]);
  });

  it("lack a page that is linked only from another page, or only in a code block", () => {
    const pages = {
      ...complete,
      "README.md": `${complete["README.md"]} [redis](docs/redis.md)`,
      "docs/README.md": "```md\n[redis](redis.md)\n```\n[the first decision](decisions/0001-first.md)",
    };
    expect(problemsOf(pages)).toEqual(["docs/redis.md:1: is in no index: docs/README.md has no link to it"]);
  });

  it("lack a decision and an example without a link", () => {
    expect(
      problemsOf({ ...complete, "docs/decisions/0002-second.md": "# 2.", "examples/demo/README.md": "# Demo" }),
    ).toEqual([
      "docs/decisions/0002-second.md:1: is in no index: docs/README.md has no link to it",
      "examples/demo/README.md:1: is in no index: examples/README.md has no link to it",
    ]);
  });

  it("are the main page, if there is no list of all pages", () => {
    const { "docs/README.md": _, ...others } = complete;
    const pages = { ...others, "README.md": "[redis](docs/redis.md), [examples](examples/)" };
    expect(problemsOf(pages)).toEqual([
      "docs/decisions/0001-first.md:1: is in no index: README.md has no link to it",
      "packages/core/README.md:1: is in no index: README.md has no link to it",
    ]);
  });

  it("must exist", () => {
    expect(problemsOf({ "docs/redis.md": "# Redis" })).toEqual([
      "docs/redis.md:1: is in no index: README.md does not exist",
    ]);
  });
});
