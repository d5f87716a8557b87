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
  [/\b(?:is|are) none\b/i, '"is none": write "is invalid", "is missing" or what it is not'],
  [/\banew\b/i, '"anew": write "again"'],
  [/\btold of\b/i, '"told of": write "reported", "told about" or "learns of"'],
  [
    // A server can really be behind one of these.
    /\bbehind\b(?!(?:\s+[\w'-]+){0,3}?\s+(?:prox(?:y|ies)|firewalls?|NAT|load balancers?)\b)/i,
    '"behind": write "after"',
  ],
];

/** The remarks on a TypeScript file: on its words, and on comments that are too wide. */
export function remarksOnSource(source: string): Remark[] {
  const comments = linesOfComments(source);
  return source
    .split("\n")
    .flatMap((text, index) => [
      ...remarksOnWords(text, index + 1),
      ...(comments.has(index + 1) ? remarksOnWidth(text, index + 1) : []),
    ]);
}

/** The remarks on a Markdown file. Tables, code blocks and lines with only a link may be wide: they are not prose. */
export function remarksOnProse(markdown: string): Remark[] {
  let fence: string | undefined;
  return markdown.split("\n").flatMap((text, index) => {
    const line = index + 1;
    const mark = /^\s*(`{3,}|~{3,})/.exec(text)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence)) fence = undefined;
      return remarksOnWords(text, line);
    }
    fence = mark;
    const isBare = /^\s*(?:\|.*|[-*]?\s*(?:!?\[[^\]]*\]\([^)]*\)|<?https?:\S+>?|\[[^\]]+\]:\s*\S+)[,.]?)$/.test(text);
    return [...remarksOnWords(text, line), ...(mark === undefined && !isBare ? remarksOnWidth(text, line) : [])];
  });
}

function remarksOnWords(text: string, line: number): Remark[] {
  return words.filter(([pattern]) => pattern.test(text)).map(([, problem]) => ({ line, problem }));
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
