import { readFileSync } from "node:fs";
import { join } from "node:path";
import { commandsOf, type ShownCommand } from "./console-session.ts";
import { type CodeBlock, codeBlocksOf, linesOf } from "./markdown.ts";

const SHELL = ["sh", "shell", "bash"];
const SCRIPTS = ["ts", "typescript", "mts", "cts", "js", "javascript", "mjs", "cjs"];

/** What is run, and the output that the page shows of all of it. */
export interface ShownRun {
  /** A page's own block instead of commands; its index in the page's blocks. */
  readonly module: number | null;
  readonly commands: readonly Pick<ShownCommand, "line" | "command">[];
  /** Index of the output's first line in the page. */
  readonly start: number;
  readonly output: readonly string[];
}

/** A part of a page that shows what programs print. */
export interface Session {
  readonly file: string;
  readonly lines: readonly string[];
  readonly blocks: readonly CodeBlock[];
  readonly block: CodeBlock;
  readonly needsRedis: boolean;
  /** Whether the page says that this is run, or is an example's: a command that cannot be run is then a fault. */
  readonly mustRun: boolean;
  readonly runs: readonly ShownRun[];
}

/**
 * The sessions of a page: a block with commands after `$ `, and with output; or a block of commands or of code that a
 * `text` block directly follows. `<!-- check: skip REASON -->` above either block leaves them out.
 */
export function sessionsOf(root: string, file: string): Session[] {
  const lines = linesOf(readFileSync(join(root, file), "utf8"));
  const blocks = codeBlocksOf(lines);
  return blocks.flatMap((block, index) => {
    const next = blocks[index + 1];
    const runs = runsIn(lines, block, index, next);
    const directives = runs.some(({ start }) => start === next?.start) ? [block, next] : [block];
    const said = directives.map((each) => each?.directive ?? "");
    if (runs.length === 0 || said.some((directive) => directive.startsWith("skip"))) return [];
    const needsRedis = said.includes("output with redis");
    const mustRun = /^examples\/[^/]+\//.test(file) || said.some((directive) => /^output\b/.test(directive));
    return [{ file, lines, blocks, block, needsRedis, mustRun, runs }];
  });
}

function runsIn(
  lines: readonly string[],
  block: CodeBlock,
  index: number,
  next: CodeBlock | undefined,
): readonly ShownRun[] {
  const { language, directive, start, end } = block;
  const isShell = SHELL.includes(language);
  const shown = isShell || ["console", ""].includes(language) ? commandsOf(lines, start, end) : [];
  if (shown.some(({ output }) => output.length > 0) || (shown.length > 0 && /^output\b/.test(directive ?? ""))) {
    return shown.map(({ line, command, output }) => ({
      module: null,
      commands: [{ line, command }],
      start: line + 1,
      output,
    }));
  }
  if (next?.language !== "text" || !isDirectlyAbove(lines.slice(end + 1, next.start - 1))) return [];
  const text = { start: next.start, output: lines.slice(next.start, next.end) };
  if (shown.length > 0) return [{ module: null, commands: shown, ...text }];
  if (isShell) return [{ module: null, commands: plainCommandsOf(lines, start, end), ...text }];
  // What the reader only knows by declaration cannot be run.
  if (!SCRIPTS.includes(language) || /^prepend\b.*\bdeclare\b/s.test(directive ?? "")) return [];
  return [{ module: index, commands: [], ...text }];
}

/** The commands of a block that shows them without `$ `. */
function plainCommandsOf(lines: readonly string[], start: number, end: number): ShownCommand[] {
  const marked = lines.map((line, index) => {
    const isCommand = !/^\s*(?:#.*)?$/.test(line) && !lines[index - 1]?.endsWith("\\");
    return isCommand || index === start ? `$ ${line}` : line;
  });
  return commandsOf(marked, start, end).filter(({ command }) => !/^\s*(?:#.*)?$/.test(command));
}

/** Between two blocks: nothing, a comment for this check, or a line of prose that announces the output. */
function isDirectlyAbove(between: readonly string[]): boolean {
  const prose = between
    .join("\n")
    .replace(/<!--.*?-->/gs, "")
    .trim();
  return prose === "" || /^[^\n#|]{1,100}:$/.test(prose);
}
