import {
  createSourceFile,
  forEachChild,
  isRegularExpressionLiteral,
  isStringLiteral,
  isTemplateLiteralToken,
  type Node,
  ScriptTarget,
} from "typescript";

/** A line with a word to replace, or that is too wide. */
export interface Remark {
  /** Its line, from 1. */
  readonly line: number;
  readonly problem: string;
}

/** The greatest width of a line of a comment or of prose, in columns. */
const MAX_COLUMNS = 120;

/** Words that read as translated, and what to write instead. */
const words: readonly [pattern: RegExp, problem: string][] = [
  [/\b(?:is|are)\s+none\b/i, '"is none": write "is invalid", "is missing" or what it is not'],
  [/\banew\b/i, '"anew": write "again"'],
  [/\btold\s+of\b/i, '"told of": write "reported", "told about" or "learns of"'],
  [
    // A server can really be behind one of these.
    /\bbehind\b(?!(?:\s+[\w'-]+){0,3}?\s+(?:prox(?:y|ies)|firewalls?|NAT|load balancers?)\b)/i,
    '"behind": write "after"',
  ],
];

/** The remarks on a TypeScript file: on its words, and on comments that are too wide. */
export function remarksOnSource(source: string): Remark[] {
  const comments = linesOfComments(source);
  const lines = source.split("\n");
  const wide = lines.flatMap((text, index) => (comments.has(index + 1) ? remarksOnWidth(text, index + 1) : []));
  const continues = (index: number): boolean =>
    comments.has(index) && comments.has(index + 1) && !/^\s*\/\*/.test(lines[index] ?? "") && isComment(lines[index]);
  const isComment = (text = ""): boolean => /^\s*(?:\/\/|\*)/.test(text) || !/\/\/|\/\*/.test(text);
  return inOrder([...remarksOnWords(lines, continues), ...wide]);
}

/** The remarks on a Markdown file. Tables, code blocks and lines with only a link may be wide: they are not prose. */
export function remarksOnProse(markdown: string): Remark[] {
  let fence: string | undefined;
  const lines = markdown.split("\n");
  /** The lines that are neither code nor fences. */
  const prose = new Set<number>();
  const wide = lines.flatMap((text, index) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      return [];
    }
    fence = mark;
    if (mark !== undefined) return [];
    prose.add(index);
    const isBare = /^\s*(?:\|.*|[-*]?\s*(?:!?\[[^\]]*\]\([^)]*\)|<?https?:\S+>?|\[[^\]]+\]:\s*\S+)[,.]?)$/.test(text);
    return isBare ? [] : remarksOnWidth(text, index + 1);
  });
  const isComment = (index: number): boolean => /^\s*(?:\/\/|\*)/.test(lines[index] ?? "");
  const continues = (index: number): boolean =>
    prose.has(index) ? prose.has(index - 1) : isComment(index) && !prose.has(index - 1);
  return inOrder([...remarksOnWords(lines, continues), ...wide]);
}

/**
 * The words to replace, also where a line ends within them. `continues` says whether a line, by its index, goes on with
 * the comment or paragraph of the line before.
 */
function remarksOnWords(lines: readonly string[], continues: (index: number) => boolean): Remark[] {
  const texts: { start: number; line: number }[][] = [];
  const joined: string[] = [];
  for (const [index, text] of lines.entries()) {
    // What only marks a line as one of a comment, or of a quotation.
    const words = text.replace(/^\s*(?:\/\/+|\/?\*+(?!\S)|>)?\s*/, "").trimEnd();
    const isNext = index > 0 && continues(index) && words !== "" && joined.at(-1) !== "";
    if (!isNext) {
      texts.push([]);
      joined.push("");
    }
    const before = joined.at(-1) ?? "";
    const start = isNext ? before.length + 1 : 0;
    texts.at(-1)?.push({ start, line: index + 1 });
    joined[joined.length - 1] = isNext ? `${before} ${words}` : words;
  }
  return joined.flatMap((text, index) =>
    words.flatMap(([pattern, problem]) => {
      const found = [...text.matchAll(new RegExp(pattern, "gi"))];
      const at = found.map((match) => texts[index]?.findLast(({ start }) => start <= match.index)?.line ?? 1);
      return [...new Set(at)].map((line) => ({ line, problem }));
    }),
  );
}

function inOrder(remarks: readonly Remark[]): Remark[] {
  return remarks.toSorted((one, other) => one.line - other.line);
}

function remarksOnWidth(text: string, line: number): Remark[] {
  const columns = [...text].length;
  return columns > MAX_COLUMNS ? [{ line, problem: `${columns} columns, and at most ${MAX_COLUMNS} are allowed` }] : [];
}

/** The numbers of the lines with comments. */
function linesOfComments(source: string): Set<number> {
  const lines = new Set<number>();
  for (const { index, 0: comment } of withoutTexts(source).matchAll(/\/\/.*|\/\*[\s\S]*?\*\//g)) {
    const first = source.slice(0, index).split("\n").length;
    const height = comment.split("\n").length;
    for (let line = first; line < first + height; line++) lines.add(line);
  }
  return lines;
}

/** The source with each character of its strings, templates and regular expressions replaced by an x. */
function withoutTexts(source: string): string {
  const file = createSourceFile("file.ts", source, ScriptTarget.Latest, true);
  let masked = source;
  const visit = (node: Node): void => {
    if (isStringLiteral(node) || isTemplateLiteralToken(node) || isRegularExpressionLiteral(node)) {
      const [start, end] = [node.getStart(), node.getEnd()];
      masked = masked.slice(0, start) + masked.slice(start, end).replaceAll(/[^\n]/g, "x") + masked.slice(end);
    }
    forEachChild(node, visit);
  };
  visit(file);
  return masked;
}
