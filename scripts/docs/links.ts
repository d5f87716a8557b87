import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** Relative links of the pages that lead to no file, or to no heading of it, as `page:line: problem`. */
export function linkProblems(root: string, files: readonly string[]): string[] {
  const problems: string[] = [];
  for (const file of files) {
    for (const [index, line] of prose(readFileSync(join(root, file), "utf8")).entries()) {
      for (const target of targetsOf(line)) {
        const problem = problemOf(root, file, target);
        if (problem) problems.push(`${file}:${index + 1}: ${problem}`);
      }
    }
  }
  return problems;
}

/** The files that a page's relative links lead to, without the headings, as paths from the root. */
export function linkedFiles(root: string, file: string): Set<string> {
  const targets = prose(readFileSync(join(root, file), "utf8"))
    .flatMap(targetsOf)
    .filter((target) => !isElsewhere(target));
  return new Set(targets.map((target) => relative(root, placeOf(root, file, target).to).replaceAll("\\", "/")));
}

/** The page's lines, those of code blocks empty. */
function prose(page: string): string[] {
  let fence = "";
  return page.split(/\r?\n/).map((line) => {
    const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1] ?? "";
    if (fence === "" && mark === "") return line;
    if (fence === "") fence = mark;
    else if (line.trim() === fence) fence = "";
    return "";
  });
}

function targetsOf(line: string): string[] {
  const text = line.replace(/(`+).*?\1/g, "");
  const inline = text.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g);
  const reference = text.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)/g);
  const html = text.matchAll(/\b(?:href|src)="([^"]+)"/g);
  return [...inline, ...reference, ...html].map((match) => match[1] ?? "");
}

function problemOf(root: string, file: string, target: string): string | null {
  if (isElsewhere(target)) return null;
  const { to, anchor } = placeOf(root, file, target);
  if (relative(root, to).startsWith("..")) return `${target} leads out of the repository`;
  if (!existsSync(to)) return `${target} does not exist`;
  if (!anchor || statSync(to).isDirectory() || !to.endsWith(".md")) return null;
  return anchorsOf(readFileSync(to, "utf8")).has(anchor) ? null : `${target} names no heading there`;
}

function isElsewhere(target: string): boolean {
  return /^[a-z][a-z+.-]*:/i.test(target);
}

function placeOf(root: string, file: string, target: string): { to: string; anchor: string | undefined } {
  const [path = "", anchor] = target.split("#").map(decodeURIComponent);
  const to = path === "" ? join(root, file) : resolve(root, path.startsWith("/") ? `.${path}` : dirname(file), path);
  return { to, anchor };
}

/** The anchors that GitHub gives a page's headings, and those that it sets itself. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const line of prose(page)) {
    for (const [, id = ""] of line.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(id);
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1];
    if (heading === undefined) continue;
    const slug = slugOf(heading);
    let anchor = slug;
    for (let repeat = 1; anchors.has(anchor); repeat++) anchor = `${slug}-${repeat}`;
    anchors.add(anchor);
  }
  return anchors;
}

function slugOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, "")
    .replaceAll(" ", "-");
}
