import { existsSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { modulesOf } from "./code-blocks.ts";
import { wordsOf } from "./console-session.ts";
import { manifestIn } from "./packages.ts";
import type { Session } from "./sessions.ts";

/** A command as the program that it runs. */
export interface Program {
  /** The program and its arguments. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it is a block of the page, which knows nothing of the offline model. */
  readonly needsModel: boolean;
  /** Whether it is the script of a package: package managers say so first, with lines that begin with `> `. */
  readonly isScript: boolean;
}

/** Finds the programs that the commands of a session run, one command after the other. */
export class ProgramFinder {
  readonly #root: string;
  readonly #manifests: readonly string[];
  readonly #session: Session;
  /** The folder in which the programs are run. */
  readonly #folder: string;
  /** Folders of the tree, in the order in which a file is looked for in them. */
  #places: readonly string[];
  #env: Readonly<Record<string, string>> = {};

  constructor(root: string, files: readonly string[], session: Session, folder: string) {
    this.#root = root;
    this.#manifests = files.filter((file) => /(?:^|\/)package\.json$/.test(file));
    this.#session = session;
    this.#folder = folder;
    this.#places = [...new Set([dirname(session.file), "."])];
  }

  /** `prepared` if there is nothing to run, as with `cd`; `null` if the command cannot be run here. */
  programOf(command: string): Program | "prepared" | null {
    const { env, words } = assigned(wordsOf(command.replace(/\s#\s.*$/, "")));
    const [name = "", ...args] = words;
    if (name === "export") return this.#exported(args);
    if (name === "cd") return this.#changedTo(args);
    if (name === "node") return this.#node(args, { ...this.#env, ...env }, this.#places);
    const manager = name === "npx" ? args.findIndex((arg) => /^pnpm(?:@|$)/.test(arg)) : -1;
    const isPnpm = name === "pnpm" || manager >= 0;
    if (!isPnpm && name !== "npm") return null;
    return this.#script(args.slice(manager + 1), { ...this.#env, ...env }, isPnpm);
  }

  /** A block of the page. */
  moduleProgram(index: number): Program | null {
    const block = this.#session.blocks[index];
    if (!block) return null;
    return this.#written(`block.${/^(?:c|m)?(?:js|ts)$/.test(block.language) ? block.language : "ts"}`, index, {});
  }

  #exported(args: readonly string[]): "prepared" | null {
    const { env, words } = assigned(args);
    this.#env = { ...this.#env, ...env };
    return words.length === 0 ? "prepared" : null;
  }

  #changedTo([folder = ""]: readonly string[]): "prepared" | null {
    const place = this.#places.map((each) => join(each, folder)).find((each) => this.#isIn(each));
    if (place === undefined || folder === "") return null;
    this.#places = [place, ...this.#places];
    return "prepared";
  }

  #node(args: readonly string[], env: Record<string, string>, places: readonly string[]): Program | null {
    const at = args.findIndex((arg) => !arg.startsWith("-"));
    const path = args[at];
    if (path === undefined) return null;
    const [flags, rest] = [args.slice(0, at), args.slice(at + 1)];
    const file = places.map((place) => join(place, path)).find((each) => this.#isIn(each));
    if (file !== undefined) {
      const needsModel = "OPENAI_API_KEY" in env;
      return { args: [...flags, join(this.#root, file), ...rest], env, needsModel, isScript: false };
    }
    const block = this.#blockNamed(path);
    const program = block === null ? null : this.#written(path, block, env);
    return program && { ...program, args: [...flags, ...program.args, ...rest] };
  }

  #isIn(path: string): boolean {
    return !relative(".", path).startsWith("..") && existsSync(join(this.#root, path));
  }

  /** The block that the page calls so; where commands must run, it need not say so of the block before. */
  #blockNamed(path: string): number | null {
    if (!/^[\w-][\w.-]*\.[cm]?[jt]s$/.test(path)) return null;
    const { lines, blocks, block, mustRun } = this.#session;
    const code = blocks.flatMap(({ language, start }, index) =>
      start < block.start && /^(?:[cm]?[jt]s|typescript|javascript)$/.test(language) ? [index] : [],
    );
    const named = code.findLast((index) => {
      const { start = 0 } = blocks[index] ?? {};
      const above = lines.slice(Math.max(0, start - 5, (blocks[index - 1]?.end ?? -1) + 1), start - 1);
      return `${above.join("\n")}\n${lines[start]?.startsWith("//") ? `\`${lines[start].slice(2).trim()}\`` : ""}`.includes(
        `\`${path}\``,
      );
    });
    return named ?? (mustRun ? (code.at(-1) ?? null) : null);
  }

  #written(name: string, index: number, env: Record<string, string>): Program | null {
    const { lines, blocks } = this.#session;
    const block = blocks[index];
    if (!block) return null;
    const plain = lines.slice(block.start, block.end).join("\n");
    writeFileSync(join(this.#folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(this.#folder, name), modulesOf(lines.join("\n")).get(block.start + 1) ?? plain);
    return { args: [join(this.#folder, name)], env, needsModel: true, isScript: false };
  }

  /** `[--filter NAME] [run] SCRIPT ARGS`, of a script that ends with `node FILE`. */
  #script(args: readonly string[], env: Record<string, string>, isPnpm: boolean): Program | "prepared" | null {
    const { name, folder, rest } = selected(args);
    const isRun = rest[0] === "run" || rest[0] === "run-script";
    const [given = "", ...more] = isRun ? rest.slice(1) : rest;
    const script = given === "t" && !isRun ? "test" : given;
    // The packages that it installs are taken from the repository.
    if (!isRun && /^(?:install|i|ci|add)$/.test(script)) return "prepared";
    if (!isPnpm && !isRun && script !== "start" && script !== "test") return null;
    const places = folder === null ? this.#places : this.#places.map((place) => join(place, folder));
    const manifests =
      name === null ? places.map((place) => join(place, "package.json").replaceAll("\\", "/")) : this.#manifests;
    for (const file of manifests.filter((each) => this.#isIn(each))) {
      const manifest = manifestIn(this.#root, file);
      if (name !== null && name !== manifest["name"]) continue;
      const scripts = Object(manifest["scripts"]);
      const { env: own, words } = assigned(wordsOf(String(scripts[script] ?? "").replace(/^.*&&/, "")));
      if (words[0] !== "node") continue;
      const passed = more.filter((arg, index) => arg !== "--" || index > 0);
      const program = this.#node([...words.slice(1), ...passed], { ...env, ...own }, [dirname(file)]);
      if (program !== null) return { ...program, isScript: true };
    }
    return null;
  }
}

/** The variables that a command begins with, and its other words. */
function assigned(words: readonly string[]): { env: Record<string, string>; words: readonly string[] } {
  const other = words.findIndex((word) => !/^\w+=/.test(word));
  const first = other < 0 ? words.length : other;
  return {
    env: Object.fromEntries(words.slice(0, first).map((word) => word.split(/=(.*)/s, 2))),
    words: words.slice(first),
  };
}

/** The package or folder that a package manager is told to work in, by its name or path. */
function selected(args: readonly string[]): { name: string | null; folder: string | null; rest: readonly string[] } {
  let name: string | null = null;
  let folder: string | null = null;
  let rest = args;
  while (rest[0]?.startsWith("-")) {
    const [option = "", inline] = rest[0].split(/=(.*)/s, 2);
    const takesName = ["--filter", "-F", "--workspace", "-w"].includes(option);
    const takesFolder = ["--dir", "-C", "--prefix"].includes(option);
    const value = inline ?? rest[1] ?? "";
    if (takesName) name = value;
    if (takesFolder) folder = value;
    rest = rest.slice((takesName || takesFolder) && inline === undefined ? 2 : 1);
  }
  return { name, folder, rest };
}
