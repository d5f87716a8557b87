import { mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference } from "./console-session.ts";
import { linesOf } from "./markdown.ts";
import type { Problem } from "./problem.ts";
import { type Program, ProgramFinder } from "./programs.ts";
import { Runner } from "./run-program.ts";
import { type Session, type ShownRun, sessionsOf } from "./sessions.ts";

/**
 * Runs the commands and the code that pages show with their output, and compares what they print. Hidden comments right
 * above a block say more:
 *
 * - `<!-- check: skip REASON -->`: it is not run;
 * - `<!-- check: output -->`: it can be run, on a page that is no example's too;
 * - `<!-- check: output with redis -->`: it needs a Redis server; `DEEP_AGENT_BACKEND` is its address.
 *
 * A command is `node FILE`, or a script of a package that is that: `pnpm --filter NAME start`, `npm start`. FILE lies
 * beside the page or is a path from the root, or is a `ts` block before the command. The commands of a page run in one
 * empty folder. A line `…` stands for any lines, and `…` in a line for any text. Any other command is a fault in
 * an example, and is not run elsewhere.
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
  for (const file of files.filter((each) => each.endsWith(".md"))) {
    const sessions = sessionsOf(root, file);
    if (sessions.length === 0) continue;
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "deep-agent-docs-")));
    try {
      // Where adapters are looked for that an address names.
      symlinkSync(join(repository, "internal/acceptance/node_modules"), join(folder, "node_modules"));
      for (const session of sessions) {
        if (session.needsRedis && !(await runner.hasRedis())) {
          skipped.push(`${file}:${session.block.start}: skipped, there is no redis-server on PATH`);
          continue;
        }
        const finder = new ProgramFinder(root, files, session, folder);
        for (const shown of session.runs) {
          const { ran, problem } = await problemOf(session, shown, finder, folder, runner);
          commands += ran;
          if (problem) problems.push({ file, ...problem });
        }
      }
      await runner.endRedis();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return { commands, skipped, problems };
}

/** How many programs ran, and what is wrong with the output, in which line of the page; `null` if nothing is. */
async function problemOf(
  session: Session,
  shown: ShownRun,
  finder: ProgramFinder,
  folder: string,
  runner: Runner,
): Promise<{ ran: number; problem: { line: number; text: string } | null }> {
  const { programs, unknown } = programsOf(shown, finder);
  if (unknown !== null) {
    const text = `${unknown.command} is no command that can be run here`;
    return { ran: 0, problem: session.mustRun ? { line: unknown.line + 1, text } : null };
  }
  const printed: string[] = [];
  for (const { line, command, program } of programs) {
    const { failure, stdout } = await runner.run(program, folder, session.needsRedis);
    if (failure !== null) return { ran: programs.length, problem: { line: line + 1, text: `${command} ${failure}` } };
    printed.push(...linesOf(stdout.replace(/\r?\n$/, "")).slice(0, stdout === "" ? 0 : undefined));
  }
  const banner = programs.some(({ program }) => program.isScript) ? bannerOf(shown.output) : 0;
  // The blocks that a block continues may print too, before it.
  const isContinued = shown.module !== null && session.block.directive === "continue";
  const output = [...(isContinued ? ["…"] : []), ...shown.output.slice(banner)];
  const found = programs.length === 0 ? null : difference(output, printed);
  if (found === null) return { ran: programs.length, problem: null };
  const prints = found.printed === null ? "nothing more" : JSON.stringify(found.printed);
  const shows = found.shown === null ? "nothing more" : JSON.stringify(found.shown);
  return {
    ran: programs.length,
    problem: {
      line: shown.start + 1 + banner + found.index - (isContinued ? 1 : 0),
      text: `the output differs: the program prints ${prints}, the page shows ${shows}`,
    },
  };
}

function programsOf(
  { module, commands, start }: ShownRun,
  finder: ProgramFinder,
): {
  programs: readonly { line: number; command: string; program: Program }[];
  unknown: { line: number; command: string } | null;
} {
  const programs: { line: number; command: string; program: Program }[] = [];
  if (module !== null) {
    const program = finder.moduleProgram(module);
    if (program !== null) programs.push({ line: start - 1, command: "the code above", program });
  }
  for (const { line, command } of commands) {
    const program = finder.programOf(command);
    if (program === null) return { programs: [], unknown: { line, command } };
    if (program !== "prepared") programs.push({ line, command, program });
  }
  return { programs, unknown: null };
}

/** How many of the lines are those that a package manager prints before a script: `> hello@1.0.0 start`. */
function bannerOf(output: readonly string[]): number {
  const first = output.findIndex((line) => line.trim() !== "");
  if (first < 0 || !/^> (?:@?[\w./-]+@\S+ )/.test(output[first] ?? "")) return 0;
  const end = output.findIndex((line) => !/^(?:> .*|\s*)$/.test(line));
  return end < 0 ? output.length : end;
}
