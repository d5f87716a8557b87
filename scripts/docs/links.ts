import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { linesOf, proseOf } from "./markdown.ts";
import type { Problem } from "./problem.ts";

/** A link to the repository's own pages, as readers outside of it need one. */
const OWN_ADDRESS = /^https:\/\/github\.com\/deep-agent\/deep-agent\/(?:blob|tree)\/main(?=\/)/;

/** Links of the pages, of images too, that lead to no file of the tree, or to no heading of it. */
export function linkProblems(root: string, files: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  for (const file of files) {
    const lines = proseOf(readFileSync(join(root, file), "utf8"));
    const named = new Set(lines.flatMap((line) => labelOf(line) ?? []));
    for (const [index, line] of lines.entries()) {
      const found = targetsOf(line).map((target) => problemOf(root, file, target));
      found.push(
        ...labelsUsed(line).map((label) => (named.has(label) ? null : `[${label}] names no link of the page`)),
      );
      for (const text of found) if (text) problems.push({ file, line: index + 1, text });
    }
  }
  return problems;
}

/** The files that a page's links lead to, without the headings, as paths from the root. */
export function linkedFiles(root: string, file: string): Set<string> {
  const targets = proseOf(readFileSync(join(root, file), "utf8"))
    .flatMap(targetsOf)
    .filter((target) => !isElsewhere(target));
  return new Set(targets.map((target) => relative(root, placeOf(root, file, target).to).replaceAll("\\", "/")));
}

function targetsOf(line: string): string[] {
  const text = withoutCode(line);
  const inline = text.matchAll(/\]\(\s*(?:<([^>]*)>|([^)\s]+))[^)]*\)/g);
  const reference = text.matchAll(/^\s*\[[^\]]+\]:\s*(?:<([^>]*)>|(\S+))/g);
  const html = text.matchAll(/\b(?:href|src)=(?:"([^"]+)"|'([^']+)')/g);
  return [...inline, ...reference, ...html].map(([, one, other]) => one ?? other ?? "");
}

/** The label that the line gives a link: `[label]: target`. */
function labelOf(line: string): string | null {
  return /^\s*\[([^\]]+)\]:\s*\S/.exec(line)?.[1]?.toLowerCase() ?? null;
}

/** The labels of the line's links `[text][label]` and `[label][]`. */
function labelsUsed(line: string): string[] {
  const used = withoutCode(line).matchAll(/\[([^\][]+)\]\[([^\][]*)\]/g);
  return [...used].map(([, text = "", label]) => (label || text).toLowerCase());
}

function withoutCode(line: string): string {
  return line.replace(/(`+).*?\1/g, (code) => " ".repeat(code.length));
}

function problemOf(root: string, file: string, target: string): string | null {
  if (isElsewhere(target)) return null;
  const { to, anchor } = placeOf(root, file, target);
  if (relative(root, to).startsWith("..")) return `${target} leads out of the repository`;
  if (!existsSync(to)) return `${target} does not exist`;
  if (!anchor) return null;
  const page = statSync(to).isDirectory() ? join(to, "README.md") : to;
  if (!existsSync(page)) return `${target} names no heading there`;
  const text = readFileSync(page, "utf8");
  if (page.endsWith(".md")) return anchorsOf(text).has(anchor) ? null : `${target} names no heading there`;
  const line = Number(/^L(\d+)/.exec(anchor)?.[1] ?? 0);
  return line > linesOf(text).length ? `${target} names no line there` : null;
}

function isElsewhere(target: string): boolean {
  return /^(?:[a-z][a-z+.-]*:|\/\/)/i.test(target) && !OWN_ADDRESS.test(target);
}

function placeOf(root: string, file: string, target: string): { to: string; anchor: string | undefined } {
  const [address = "", anchor] = target.replace(OWN_ADDRESS, "").split("#").map(decoded);
  const path = address.replace(/\?.*$/, "");
  const to = path === "" ? join(root, file) : resolve(root, path.startsWith("/") ? `.${path}` : dirname(file), path);
  return { to: path.startsWith("/") ? join(root, path) : to, anchor };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The anchors that GitHub gives a page's headings, and those that it sets itself. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  const lines = proseOf(page);
  for (const [index, line] of lines.entries()) {
    for (const [, one, other] of line.matchAll(/\s(?:id|name)=(?:"([^"]+)"|'([^']+)')/g))
      anchors.add(one ?? other ?? "");
    const heading = /^ {0,3}#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1] ?? underlined(line, lines[index + 1]);
    if (heading === null) continue;
    const slug = slugOf(heading);
    let anchor = slug;
    for (let repeat = 1; anchors.has(anchor); repeat++) anchor = `${slug}-${repeat}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** A heading whose next line underlines it. */
function underlined(line: string, next = ""): string | null {
  return /^\s*(?:={2,}|-{2,})\s*$/.test(next) && /^[^\s|#>-]/.test(line) ? line.trim() : null;
}

function slugOf(heading: string): string {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<[^>]*>/g, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}
