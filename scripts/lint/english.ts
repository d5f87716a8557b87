// Finds words that read as translated, and comments and prose wider than 120 columns, in sources, documentation and
// changesets. `pnpm lint` fails if there are any. Arguments limit it to these files or folders.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Remark, remarksOnProse, remarksOnSource } from "./english-in.ts";

const root = resolve(import.meta.dirname, "../..");
const paths = process.argv.slice(2);
const files = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", ...paths],
  { cwd: root, encoding: "utf8" },
)
  .split("\n")
  // These two contain the words that it looks for.
  .filter((file) => /\.(?:[cm]?[jt]s|md)$/.test(file) && !/(?:^|\/)english(?:-in|\.test)?\.ts$/.test(file));

let count = 0;
for (const file of files) {
  for (const { line, problem } of remarksOn(file)) {
    console.error(`${file}:${line}: ${problem}`);
    count += 1;
  }
}
if (count > 0) process.exitCode = 1;
console.log(`${files.length} files read, ${count} remarks`);

function remarksOn(file: string): Remark[] {
  const text = readFileSync(resolve(root, file), "utf8");
  return file.endsWith(".md") ? remarksOnProse(text) : remarksOnSource(text);
}
