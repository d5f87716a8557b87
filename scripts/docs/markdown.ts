/** A fenced block of code. */
export interface CodeBlock {
  /** The word after the opening fence: `ts`, `console`. */
  readonly language: string;
  /** Index of the first line of code. */
  readonly start: number;
  /** Index of the closing fence. */
  readonly end: number;
  /** What the `<!-- check: … -->` right above the block says; `null` without one. */
  readonly directive: string | null;
}

export function linesOf(page: string): string[] {
  return page.split(/\r?\n/);
}

export function codeBlocksOf(lines: readonly string[]): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let opened: { fence: string; block: Omit<CodeBlock, "end"> } | null = null;
  for (const [index, line] of lines.entries()) {
    if (opened !== null) {
      if (line.trim() !== opened.fence) continue;
      blocks.push({ ...opened.block, end: index });
      opened = null;
      continue;
    }
    const [, fence, language = ""] = /^\s*(`{3,}|~{3,})\s*(\w*)/.exec(line) ?? [];
    if (fence === undefined) continue;
    opened = { fence, block: { language, start: index + 1, directive: directiveAbove(lines.slice(0, index)) } };
  }
  return blocks;
}

function directiveAbove(above: readonly string[]): string | null {
  return /<!--\s*check:\s*((?:(?!-->).)*?)\s*-->\s*$/s.exec(above.join("\n"))?.[1] ?? null;
}

/** The page's lines, those of code blocks empty. */
export function proseOf(page: string): string[] {
  const lines = linesOf(page);
  for (const { start, end } of codeBlocksOf(lines)) lines.fill("", start - 1, end + 1);
  return lines;
}
