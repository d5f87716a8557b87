// Checks the documentation of this repository, or of the tree whose folder is given:
//
//   code     every TypeScript block of a page compiles
//   links    every link leads somewhere, to a heading too
//   indexes  every page is on the list where a reader looks for it
//   symbols  everything that a package exports has a text
//   output   what a page shows that a program prints is what it prints
//
// `--only links,indexes` checks these alone. Each problem is one line, `file:line: what is wrong`, and makes it exit
// with 1. If it cannot check at all, it says why, and exits with 2.
import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { codeProblems } from "./docs/code-blocks.ts";
import { filesOf } from "./docs/files.ts";
import { indexProblems } from "./docs/indexes.ts";
import { linkProblems } from "./docs/links.ts";
import { outputProblems } from "./docs/printed-output.ts";
import { shown, sorted } from "./docs/problem.ts";
import { symbolProblems } from "./docs/public-symbols.ts";
import { Refusal } from "./refusal.ts";

const parts = ["code", "links", "indexes", "symbols", "output"];
const repository = resolve(import.meta.dirname, "..");
const usage = `Usage: npx -y pnpm@10.34.9 docs:check [FOLDER] [--only ${parts.join(",")}]`;

try {
  await checkDocs();
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

async function checkDocs(): Promise<void> {
  const { only, root } = settings();
  const files = filesOf(root);
  const pages = files.filter((file) => file.endsWith(".md"));

  const code = only.includes("code") ? codeProblems(root, pages, repository) : { blocks: 0, problems: [] };
  const links = only.includes("links") ? linkProblems(root, pages) : [];
  const indexes = only.includes("indexes") ? indexProblems(root, pages) : [];
  const symbols = only.includes("symbols") ? symbolProblems(root, files, repository) : { symbols: 0, problems: [] };
  const nothing = { commands: 0, skipped: [], problems: [] };
  const output = only.includes("output") ? await outputProblems(root, files, repository) : nothing;

  const problems = sorted([...code.problems, ...links, ...indexes, ...symbols.problems, ...output.problems]);
  for (const line of output.skipped) console.log(line);
  for (const problem of problems) console.error(shown(problem));
  console.log(
    `${pages.length} pages, ${code.blocks} TypeScript blocks, ${symbols.symbols} public symbols and ` +
      `${output.commands} commands checked (${only.join(", ")}): ${problems.length} ${problems.length === 1 ? "problem" : "problems"}`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

function settings(): { only: readonly string[]; root: string } {
  const { given, only } = argumentsOf(process.argv.slice(2).filter((arg) => arg !== "--"));
  const unknown = only.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new Refusal(`There is no part "${unknown}". ${usage}`);
  // pnpm runs scripts in the repository, wherever it was called.
  const from = process.env["INIT_CWD"] ?? process.cwd();
  const root = given === undefined ? repository : resolve(from, given);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Refusal(`There is no folder ${root}. ${usage}`);
  }
  return { only, root: realpathSync(root) };
}

function argumentsOf(args: string[]): { given: string | undefined; only: readonly string[] } {
  let parsed: { positionals: string[]; values: { only?: string | undefined } };
  try {
    parsed = parseArgs({ args, allowPositionals: true, options: { only: { type: "string" } } });
  } catch {
    throw new Refusal(usage);
  }
  const [given, ...more] = parsed.positionals;
  if (more.length > 0) throw new Refusal(`Only one folder can be checked at a time. ${usage}`);
  return { given, only: parsed.values.only?.split(",") ?? parts };
}
