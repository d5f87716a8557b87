// Checks the documentation of this repository, or of the tree whose folder is given:
//
//   code     every TypeScript block of a page compiles
//   links    every link leads somewhere, to a heading too
//   indexes  every page is on the list where a reader looks for it
//   symbols  everything that a package exports has a text
//   output   what a page shows that a program prints is what it prints
//
// `--only links,indexes` checks these alone. Each problem is one line, `file:line: what is wrong`, and makes it exit
// with 1.
import { existsSync, realpathSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { codeProblems } from "./docs/code-blocks.ts";
import { filesOf } from "./docs/files.ts";
import { indexProblems } from "./docs/indexes.ts";
import { linkProblems } from "./docs/links.ts";
import { outputProblems } from "./docs/printed-output.ts";
import { shown, sorted } from "./docs/problem.ts";
import { symbolProblems } from "./docs/public-symbols.ts";

const parts = ["code", "links", "indexes", "symbols", "output"];
const repository = resolve(import.meta.dirname, "..");
const { only, root } = settings();
const files = filesOf(root);
const pages = files.filter((file) => file.endsWith(".md"));

const code = only.includes("code") ? codeProblems(root, pages, repository) : { blocks: 0, problems: [] };
const links = only.includes("links") ? linkProblems(root, pages) : [];
const indexes = only.includes("indexes") ? indexProblems(root, pages) : [];
const symbols = only.includes("symbols") ? symbolProblems(root, files, repository) : { symbols: 0, problems: [] };
const nothing = { commands: 0, skipped: [], problems: [] };
const output = only.includes("output") ? await outputProblems(root, pages, repository) : nothing;

const problems = sorted([...code.problems, ...links, ...indexes, ...symbols.problems, ...output.problems]);
for (const line of output.skipped) console.log(line);
for (const problem of problems) console.error(shown(problem));
console.log(
  `${pages.length} pages, ${code.blocks} TypeScript blocks, ${symbols.symbols} public symbols and ` +
    `${output.commands} commands checked (${only.join(", ")}): ${problems.length} ${problems.length === 1 ? "problem" : "problems"}`,
);
if (problems.length > 0) process.exitCode = 1;

function settings(): { only: readonly string[]; root: string } {
  const args = process.argv.slice(2).filter((arg) => arg !== "--");
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { only: { type: "string" } } });
  const only = values.only?.split(",") ?? parts;
  const unknown = only.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new Error(`--only takes some of ${parts.join(",")}, not ${unknown}.`);
  // pnpm runs scripts in the repository, wherever it was called.
  const from = process.env["INIT_CWD"] ?? process.cwd();
  const root = positionals[0] === undefined ? repository : resolve(from, positionals[0]);
  if (!existsSync(root)) throw new Error(`There is no folder ${root}.`);
  return { only, root: realpathSync(root) };
}
