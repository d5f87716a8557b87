import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { modulesOf } from "./code-blocks.ts";
import { commandsOf, difference, type ShownCommand, wordsOf } from "./console-session.ts";
import { type CodeBlock, codeBlocksOf, linesOf } from "./markdown.ts";
import type { Problem } from "./problem.ts";
import { Runner } from "./run-program.ts";

/** A `console` block that is run. */
interface Session {
  readonly file: string;
  readonly lines: readonly string[];
  readonly block: CodeBlock;
  readonly needsRedis: boolean;
}

/** A command as the program that it runs. */
interface Program {
  /** The program and its arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it is a block of the page, which knows nothing of the offline model. */
  readonly needsModel: boolean;
}

/**
 * Runs the commands that pages show with their output, and compares what they print. Run is a `console` block
 *
 * - of an example's README, unless a hidden comment right above says `<!-- check: skip REASON -->`;
 * - of another page below `<!-- check: output -->`;
 * - with a Redis server below `<!-- check: output with redis -->`; `DEEP_AGENT_BACKEND` is its address.
 *
 * A command is `node FILE`, or a script of a package that is that: `pnpm --filter NAME start`. FILE lies beside the
 * page, or is the `ts` block before the command. The commands of a page run in one empty folder. A line `…` stands for
 * any lines, and `…` in a line for any text.
 */
export async function outputProblems(
  root: string,
  files: readonly string[],
  repository: string,
): Promise<{ commands: number; skipped: string[]; problems: Problem[] }> {
  const problems: Problem[] = [];
  const skipped: string[] = [];
  let commands = 0;
  await using runner = new Runner(root, repository);
  for (const file of files) {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "deep-agent-docs-")));
    try {
      // Where adapters are looked for that an address names.
      symlinkSync(join(repository, "internal/acceptance/node_modules"), join(folder, "node_modules"));
      for (const session of sessionsOf(root, file)) {
        if (session.needsRedis && !(await runner.hasRedis())) {
          skipped.push(`${file}:${session.block.start}: skipped, there is no redis-server on PATH`);
          continue;
        }
        for (const shown of commandsOf(session.lines, session.block.start, session.block.end)) {
          const text = await problemOf(root, session, shown, folder, runner);
          commands++;
          if (text) problems.push({ file, ...text });
        }
      }
      await runner.endRedis();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { commands, skipped, problems };
}

function sessionsOf(root: string, file: string): Session[] {
  const lines = linesOf(readFileSync(join(root, file), "utf8"));
  const isExample = /^examples\/[^/]+\//.test(file);
  return codeBlocksOf(lines)
    .filter(({ language, directive, start, end }) => {
      if (language !== "console" || directive?.startsWith("skip")) return false;
      if (/^output\b/.test(directive ?? "")) return true;
      return isExample && commandsOf(lines, start, end).some(({ output }) => output.length > 0);
    })
    .map((block) => ({ file, lines, block, needsRedis: block.directive === "output with redis" }));
}

/** What is wrong with a command's output, and in which line of the page; `null` if nothing is. */
async function problemOf(
  root: string,
  session: Session,
  { line, command, output }: ShownCommand,
  folder: string,
  runner: Runner,
): Promise<{ line: number; text: string } | null> {
  const program = programOf(root, session, command, folder);
  if (program === null) return { line: line + 1, text: `${command} is no command that can be run here` };
  const { failure, stdout } = await runner.run(program, folder, session.needsRedis);
  if (failure !== null) return { line: line + 1, text: `${command} ${failure}` };
  const found = difference(output, linesOf(stdout));
  if (found === null) return null;
  const printed = found.printed === null ? "nothing more" : JSON.stringify(found.printed);
  const shown = found.shown === null ? "nothing more" : JSON.stringify(found.shown);
  return {
    line: line + 2 + found.index,
    text: `the output differs: the program prints ${printed}, the page shows ${shown}`,
  };
}

function programOf(root: string, session: Session, command: string, folder: string): Program | null {
  const words = wordsOf(command);
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  const env = Object.fromEntries(words.slice(0, first).map((word) => word.split(/=(.*)/s, 2)));
  const [name, ...args] = words.slice(first);
  if (name === "node") return nodeProgram(root, session, args, env, folder);
  const pnpm = name === "npx" ? args.slice(args.findIndex((arg) => arg.startsWith("pnpm@")) + 1) : args;
  return name === "pnpm" || name === "npx" ? scriptProgram(root, session, pnpm, env) : null;
}

function nodeProgram(
  root: string,
  { file, lines, block }: Session,
  [path = "", ...args]: readonly string[],
  env: Record<string, string>,
  folder: string,
): Program | null {
  const needsModel = "OPENAI_API_KEY" in env;
  const beside = join(root, dirname(file), path);
  if (path !== "" && existsSync(beside)) return { args: [beside, ...args], env, needsModel };
  const blocks = [...modulesOf(lines.join("\n"))].filter(([start]) => start < block.start);
  const text = blocks.at(-1)?.[1];
  if (text === undefined || !/^[\w.-]+\.[cm]?ts$/.test(path)) return null;
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, path), text);
  return { args: [join(folder, path), ...args], env, needsModel: true };
}

/** `[--filter NAME] [run] SCRIPT ARGS`, of a script that ends with `node FILE`. */
function scriptProgram(
  root: string,
  { file }: Session,
  args: readonly string[],
  env: Record<string, string>,
): Program | null {
  const filter = args[0] === "--filter" || args[0] === "-F" ? args[1] : /^--filter=(.*)/.exec(args[0] ?? "")?.[1];
  const rest = args.slice(filter === undefined ? 0 : args[0]?.includes("=") ? 1 : 2).filter((arg) => arg !== "run");
  const [script = "", ...more] = rest;
  for (const folder of [dirname(file), "."]) {
    const path = join(root, folder, "package.json");
    if (!existsSync(path)) continue;
    const { name, scripts } = JSON.parse(readFileSync(path, "utf8"));
    if (filter !== undefined && filter !== name) continue;
    const words = wordsOf(String(scripts?.[script] ?? "").replace(/^.*&&/, ""));
    if (words[0] !== "node" || words[1] === undefined) continue;
    return { args: [join(root, folder, words[1]), ...words.slice(2), ...more], env, needsModel: false };
  }
  return null;
}
