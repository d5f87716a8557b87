import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { linkedFiles } from "./links.ts";
import type { Problem } from "./problem.ts";

/** Pages that nobody looks for in an index: the root's README, legal texts, and what tools and hosts read. */
const IN_NO_INDEX = /^README\.md$|(?:^|\/)(?:(?:LICEN[CS]E|COPYING|NOTICE|CHANGELOG)[^/]*\.md$|\.[^/]+\/)/i;

/** Where a reader looks for a page: on one of these lists. Without the list of its folder, on any above the page. */
function indexesFor(page: string, exists: (file: string) => boolean): string[] {
  if (IN_NO_INDEX.test(page)) return [];
  const own = page.startsWith("docs/")
    ? "docs/README.md"
    : /^examples\/[^/]+\/README\.md$/.test(page)
      ? "examples/README.md"
      : null;
  if (own !== null && own !== page && exists(own)) return [own];
  const above = foldersAbove(page).flatMap((folder) => ["README.md", "index.md"].map((name) => join(folder, name)));
  const indexes = [...above, ...(page === "docs/README.md" ? [] : ["docs/README.md"])]
    .map((index) => index.replaceAll("\\", "/"))
    .filter((index) => index !== page && exists(index));
  return indexes.length > 0 ? [...new Set(indexes)] : ["README.md"];
}

/** The page's folder, and all above it up to the root. */
function foldersAbove(page: string): string[] {
  const folder = dirname(page);
  return folder === "." ? ["."] : [...foldersAbove(folder), folder];
}

/** Pages that are on no list where a reader looks for them. */
export function indexProblems(root: string, pages: readonly string[]): Problem[] {
  const exists = (file: string): boolean => existsSync(join(root, file));
  const links = new Map<string, Set<string>>();
  const linksOf = (index: string): Set<string> => {
    const known = links.get(index) ?? (exists(index) ? linkedFiles(root, index) : new Set());
    links.set(index, known);
    return known;
  };
  /** A link to a folder shows the README in it. */
  const lists = (index: string, page: string): boolean =>
    linksOf(index).has(page) || (page.endsWith("/README.md") && linksOf(index).has(dirname(page)));
  return pages.flatMap((page) => {
    const indexes = indexesFor(page, exists);
    if (indexes.length === 0 || indexes.some((index) => lists(index, page))) return [];
    const missing = indexes.map((index) => `${index} ${exists(index) ? "has no link to it" : "does not exist"}`);
    return [{ file: page, line: 1, text: `is in no index: ${missing.join(", ")}` }];
  });
}
