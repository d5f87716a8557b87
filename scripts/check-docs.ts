// Checks the documentation as it is written: every link leads somewhere, every page is in its index, and every TypeScript
// block compiles.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { codeProblems } from "./docs/code-blocks.ts";
import { indexProblems } from "./docs/indexes.ts";
import { linkProblems } from "./docs/links.ts";

const root = resolve(import.meta.dirname, "..");
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "");

// An example's README speaks of modules that no user has; the example's own tests and types prove it.
const forUsers = files.filter((file) => !file.startsWith("examples/"));
const { blocks, problems } = codeProblems(root, forUsers);
problems.push(...linkProblems(root, files), ...indexProblems(root, files));

for (const problem of problems) console.error(problem);
console.log(`${files.length} pages and ${blocks} TypeScript blocks checked, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
