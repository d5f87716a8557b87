/** A command of a `console` block, and what the block shows that it prints. */
export interface ShownCommand {
  /** Index of its line in the page. */
  readonly line: number;
  readonly command: string;
  /** The lines of its output. */
  readonly output: readonly string[];
}

/** The commands between two lines of a page: each begins with `$ `, and ends where its output begins. */
export function commandsOf(lines: readonly string[], start: number, end: number): ShownCommand[] {
  const commands: { line: number; command: string; output: string[] }[] = [];
  let continues = false;
  for (let line = start; line < end; line++) {
    const text = lines[line] ?? "";
    const last = commands.at(-1);
    if (continues && last) {
      last.command += ` ${text.trim()}`;
      last.line = line;
    } else if (text.startsWith("$ ")) commands.push({ line, command: text.slice(2), output: [] });
    else last?.output.push(text);
    const command = commands.at(-1);
    continues = command !== undefined && command.output.length === 0 && command.command.endsWith("\\");
    if (continues && command) command.command = command.command.slice(0, -1).trimEnd();
  }
  return commands.map(({ line, command, output }) => ({ line, command, output: withoutEmptyEnd(output) }));
}

/** The words of a command, as a shell would split it: quotes hold together, and nothing is expanded. */
export function wordsOf(command: string): string[] {
  const words = command.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g);
  return [...words].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, (_all, one, other) => one ?? other));
}

/**
 * Where an output differs from what a page shows of it; `null` if nowhere. A line `…` stands for any lines, also for
 * none, and `…` in a line for any text.
 */
export function difference(
  shown: readonly string[],
  printed: readonly string[],
): { index: number; shown: string | null; printed: string | null } | null {
  const output = withoutEmptyEnd(printed);
  // How many lines of the output the lines so far may stand for.
  let reached = new Set([0]);
  for (const [index, line] of shown.entries()) {
    const from = Math.min(...reached);
    const next =
      line.trim() === "…"
        ? Array.from({ length: output.length - from + 1 }, (_, more) => from + more)
        : [...reached].filter((at) => at < output.length && fits(line, output[at] ?? "")).map((at) => at + 1);
    if (next.length === 0) return { index, shown: line, printed: output[from] ?? null };
    reached = new Set(next);
  }
  if (reached.has(output.length)) return null;
  return { index: shown.length - 1, shown: null, printed: output[Math.max(...reached)] ?? null };
}

function fits(shown: string, printed: string): boolean {
  const parts = shown
    .trimEnd()
    .split("…")
    .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "u").test(printed.trimEnd());
}

function withoutEmptyEnd(lines: readonly string[]): string[] {
  const last = lines.findLastIndex((line) => line.trim() !== "");
  return lines.slice(0, last + 1);
}
