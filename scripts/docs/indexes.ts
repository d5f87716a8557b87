import { existsSync } from "node:fs";
import { join } from "node:path";
import { linkedFiles } from "./links.ts";
import type { Problem } from "./problem.ts";

/** Where a reader looks for a page: on one of these lists. */
function indexesFor(page: string): string[] {
  if (page === "docs/README.md") return ["README.md"];
  if (page === "examples/README.md") return ["README.md", "docs/README.md"];
  if (page.startsWith("docs/")) return ["docs/README.md"];
  if (/^examples\/[^/]+\/README\.md$/.test(page)) return ["examples/README.md"];
  if (/^(?:packages\/[^/]+\/README|[^/]+)\.md$/.test(page) && page !== "README.md")
    return ["README.md", "docs/README.md"];
  return [];
}

/** Pages that are on no list where a reader looks for them. */
export function indexProblems(root: string, pages: readonly string[]): Problem[] {
  const links = new Map<string, Set<string>>();
  const linksOf = (index: string): Set<string> => {
    const known = links.get(index) ?? (existsSync(join(root, index)) ? linkedFiles(root, index) : new Set());
    links.set(index, known);
    return known;
  };
  return pages.flatMap((page) => {
    const indexes = indexesFor(page);
    if (indexes.length === 0 || indexes.some((index) => linksOf(index).has(page))) return [];
    const missing = indexes.map(
      (index) => `${index} ${existsSync(join(root, index)) ? "has no link to it" : "does not exist"}`,
    );
    return [{ file: page, line: 1, text: `is in no index: ${missing.join(", ")}` }];
  });
}
