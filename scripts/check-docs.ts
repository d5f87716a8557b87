// Checks the documentation as it is written: every link leads somewhere, and every TypeScript block compiles.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { codeProblems } from "./docs/code-blocks.ts";
import { linkProblems } from "./docs/links.ts";

const root = resolve(import.meta.dirname, "..");
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "*.md"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "");

const { blocks, problems } = codeProblems(root, files);
problems.push(...linkProblems(root, files));

for (const problem of problems) console.error(problem);
console.log(`${files.length} pages and ${blocks} TypeScript blocks checked, ${problems.length} problems`);
if (problems.length > 0) process.exitCode = 1;
