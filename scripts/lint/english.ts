// Reads sources, documentation and changesets for words that read as translated, and for comments and prose wider than 120
// columns. `pnpm lint` fails if there are any. Names of files or folders as arguments: only those.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Remark, remarksOnProse, remarksOnSource } from "./english-in.ts";

const root = resolve(import.meta.dirname, "../..");
const asked = process.argv.slice(2);
const files = execFileSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "--", ...asked],
  { cwd: root, encoding: "utf8" },
)
  .split("\n")
  // The words that it looks for stand in these two.
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
