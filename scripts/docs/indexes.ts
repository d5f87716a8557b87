import { existsSync } from "node:fs";
import { join } from "node:path";
import { linkedFiles } from "./links.ts";

/** The pages that list others, and which of all pages belong on their list. */
const indexes: Readonly<Record<string, (page: string) => boolean>> = {
  "README.md": (page) => page === "docs/README.md" || page === "examples/README.md",
  "docs/README.md": (page) => page.startsWith("docs/"),
  "examples/README.md": (page) => /^examples\/[^/]+\/README\.md$/.test(page),
};

/** Pages that are not on the list where a reader looks for them, as `index: problem`. */
export function indexProblems(root: string, pages: readonly string[]): string[] {
  const problems: string[] = [];
  for (const [index, belongs] of Object.entries(indexes)) {
    if (!existsSync(join(root, index))) {
      problems.push(`${index}: does not exist`);
      continue;
    }
    const listed = linkedFiles(root, index);
    const missing = pages.filter((page) => page !== index && belongs(page) && !listed.has(page));
    problems.push(...missing.map((page) => `${index}: has no link to ${page}`));
  }
  return problems;
}
