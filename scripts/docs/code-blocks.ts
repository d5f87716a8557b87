import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The folder of the blocks. It is in the one package that depends on all others, so imports resolve as a user's do. */
const HOME = "internal/acceptance/.docs";

interface Block {
  /** Index of the first line of code. */
  readonly start: number;
  /** Index of the closing fence. */
  readonly end: number;
  /** Code to put before the block, from a comment right above it. */
  readonly prelude: readonly string[];
}

/**
 * Type-checks every `ts` block of the pages, each as a module of its own. A hidden comment right above a block may add
 * code that the reader of the page already knows:
 *
 * - `<!-- check: prepend declare const agent: Agent; -->` puts that code before the block;
 * - `<!-- check: continue -->` puts the previous block before it.
 *
 * A block keeps its line numbers: its module is the page with every other line blank.
 */
export function codeProblems(root: string, files: readonly string[]): { blocks: number; problems: string[] } {
  const home = join(root, HOME);
  rmSync(home, { recursive: true, force: true });
  let blocks = 0;
  for (const file of files) {
    for (const [line, module] of modulesOf(readFileSync(join(root, file), "utf8"))) {
      const path = join(home, `${file}.${line}.ts`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, module);
      blocks++;
    }
  }
  const problems = blocks === 0 ? [] : compile(root, home);
  if (problems.length === 0) rmSync(home, { recursive: true, force: true });
  return { blocks, problems };
}

/** The module of each block, by the number of the block's first line. */
function modulesOf(page: string): Map<number, string> {
  const lines = page.split(/\r?\n/);
  const modules = new Map<number, string>();
  let before: string[] = [];
  for (const { start, end, prelude } of blocksOf(lines)) {
    const continues = prelude[0] === "continue";
    const module = lines.map((line, index) => {
      if (index >= start && index < end) return line;
      return continues ? (before[index] ?? "") : "";
    });
    if (!continues && prelude.length > 0) module[start - 1] = prelude.join(" ");
    modules.set(start + 1, module.join("\n"));
    before = module;
  }
  return modules;
}

function* blocksOf(lines: readonly string[]): Generator<Block> {
  let start: number | null = null;
  let fence = "";
  let prelude: readonly string[] = [];
  for (const [index, line] of lines.entries()) {
    if (fence !== "") {
      if (line.trim() !== fence) continue;
      if (start !== null) yield { start, end: index, prelude };
      fence = "";
      continue;
    }
    const opening = /^\s*(`{3,})\s*(\w*)/.exec(line);
    if (!opening) continue;
    fence = opening[1] ?? "";
    start = ["ts", "typescript", "mts", "cts"].includes(opening[2] ?? "") ? index + 1 : null;
    prelude = directive(lines.slice(0, index));
  }
}

/** The lines of the `check:` comment right above, without its marks; empty without such a comment. */
function directive(above: readonly string[]): string[] {
  const comment = /<!--\s*check:\s*((?:(?!-->).)*?)\s*-->\s*$/s.exec(above.join("\n"))?.[1];
  if (comment === undefined) return [];
  if (comment === "continue") return ["continue"];
  return comment.replace(/^prepend\s+/, "").split("\n");
}

function compile(root: string, home: string): string[] {
  const config = {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: { declaration: false, isolatedDeclarations: false },
  };
  writeFileSync(join(home, "tsconfig.json"), JSON.stringify({ ...config, include: ["**/*.ts"] }));
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  const run = spawnSync(process.execPath, [tsc, "-p", home, "--pretty", "false"], { cwd: home, encoding: "utf8" });
  if (run.status === 0) return [];
  // "README.md.12.ts(14,3): error TS…" is line 14 of README.md. A block that others continue reports its errors
  // repeatedly.
  const errors = run.stdout
    .replace(/^(.+)\.\d+\.ts\((\d+),(\d+)\):/gm, "$1:$2:$3:")
    .trimEnd()
    .split("\n");
  return [...new Set(errors)];
}
