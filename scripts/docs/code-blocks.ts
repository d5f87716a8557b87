import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { codeBlocksOf, linesOf } from "./markdown.ts";
import type { Problem } from "./problem.ts";

/** Where blocks are compiled, if their own folder has no packages installed: in the one package that depends on all. */
const HOME = "internal/acceptance";

/**
 * Type-checks every `ts` block of the pages, each as a module of its own. A hidden comment right above a block may add
 * code that the reader of the page already knows:
 *
 * - `<!-- check: prepend declare const agent: Agent; -->` puts that code before the block;
 * - `<!-- check: continue -->` puts the previous block before it.
 *
 * A block keeps its line numbers: its module is the page with every other line blank. No module is written to the disk.
 */
export function codeProblems(
  root: string,
  files: readonly string[],
  repository: string,
): { blocks: number; problems: Problem[] } {
  const modules = new Map<string, { file: string; text: string }>();
  for (const file of files) {
    const home = homeOf(root, file, repository);
    for (const [line, text] of modulesOf(readFileSync(join(root, file), "utf8"))) {
      // Its name in the compiler's eyes: below the folder whose packages it imports.
      modules.set(join(home, ".docs", `${file}.${line}.ts`).replaceAll("\\", "/"), { file, text });
    }
  }
  return { blocks: modules.size, problems: modules.size === 0 ? [] : compile(modules, repository) };
}

function homeOf(root: string, file: string, repository: string): string {
  const example = /^examples\/[^/]+/.exec(file)?.[0];
  const homes = [...(example === undefined ? [] : [join(root, example)]), join(root, HOME)];
  return homes.find((home) => existsSync(join(home, "node_modules"))) ?? join(repository, HOME);
}

/** The module of each block, by the number of the block's first line. */
export function modulesOf(page: string): Map<number, string> {
  const lines = linesOf(page);
  const modules = new Map<number, string>();
  let before: string[] = [];
  for (const { language, start, end, directive } of codeBlocksOf(lines)) {
    if (!["ts", "typescript", "mts", "cts"].includes(language)) continue;
    const continues = directive === "continue";
    const module = lines.map((line, index) => {
      if (index >= start && index < end) return line;
      return continues ? (before[index] ?? "") : "";
    });
    const prelude = /^prepend\s+(.*)$/s.exec(directive ?? "")?.[1];
    if (prelude !== undefined) module[start - 1] = prelude.split("\n").join(" ");
    modules.set(start + 1, module.join("\n"));
    before = module;
  }
  return modules;
}

function compile(modules: ReadonlyMap<string, { file: string; text: string }>, repository: string): Problem[] {
  const options = optionsIn(repository);
  const disk = ts.createCompilerHost(options);
  const folders = new Set([...modules.keys()].map((path) => dirname(path)));
  const host: ts.CompilerHost = {
    ...disk,
    // The types that the options name are looked for there, wherever the check was started.
    getCurrentDirectory: () => repository,
    fileExists: (path) => modules.has(path) || disk.fileExists(path),
    readFile: (path) => modules.get(path)?.text ?? disk.readFile(path),
    directoryExists: (path) => folders.has(path) || (disk.directoryExists?.(path) ?? true),
    getSourceFile: (path, language, ...rest) => {
      const text = modules.get(path)?.text;
      return text === undefined
        ? disk.getSourceFile(path, language, ...rest)
        : ts.createSourceFile(path, text, language, true);
    },
  };
  const program = ts.createProgram([...modules.keys()], options, host);
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const text = `TS${diagnostic.code}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, " ")}`;
    const { file: source, start = 0 } = diagnostic;
    if (!source) return { file: HOME, line: 1, text };
    const file = modules.get(source.fileName)?.file ?? relative(repository, source.fileName);
    return { file, line: source.getLineAndCharacterOfPosition(start).line + 1, text };
  });
}

/** As the repository's own sources are compiled. */
function optionsIn(repository: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(repository, "tsconfig.base.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, repository);
  return { ...options, declaration: false, isolatedDeclarations: false, noEmit: true };
}
