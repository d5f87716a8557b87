import { execFile } from "node:child_process";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** The files of a package by path; a `package.json` is made of an object. */
export type Files = Record<string, string | object>;

/** The outcome of `openBackend` in a program: what the adapter says about itself, or the error. */
export interface Opened {
  /** Which file of the adapter was run. */
  from?: string;
  /** What its `fromConfig` was given. */
  config?: Record<string, unknown>;
  frozen?: boolean;
  error?: { code?: string; message: string; causeCode?: string; causeName?: string; shown: string };
}

export interface OpenOptions {
  /** Of core's build, and of the program. */
  format?: "esm" | "cjs";
  cwd?: string;
  /** The file of the program in the application, without the extension. */
  program?: string;
}

/** A separate application outside this repository, because jest's sandbox has no real `import()`. */
export class Application {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Application> {
    return new Application(await realpath(await mkdtemp(join(tmpdir(), "deep-agent-app-"))));
  }

  async write(files: Files): Promise<void> {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.folder, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
    }
  }

  async install(name: string, files: Files): Promise<void> {
    await this.write(
      Object.fromEntries(Object.entries(files).map(([path, content]) => [`node_modules/${name}/${path}`, content])),
    );
  }

  /** Opens each config in one program that uses core's build in the given format. */
  async open(configs: readonly unknown[], options: OpenOptions = {}): Promise<Opened[]> {
    const { format = "esm", cwd = this.folder, program = "main" } = options;
    const file = join(this.folder, format === "esm" ? `${program}.mjs` : `${program}.cjs`);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, programText(format));
    return JSON.parse(await this.run(file, [JSON.stringify(configs)], cwd));
  }

  async run(file: string, args: readonly string[] = [], cwd: string = this.folder): Promise<string> {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [file, ...args], { cwd });
    if (stderr !== "") throw new Error(stderr); // a warning, of an experimental feature say
    return stdout;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** The file of the build: neither does the application have core in its `node_modules`, nor core the adapters. */
export function builtCore(format: "esm" | "cjs"): string {
  return join(process.cwd(), "dist", format === "esm" ? "index.js" : "index.cjs");
}

function programText(format: "esm" | "cjs"): string {
  const load =
    format === "esm"
      ? `import { inspect } from "node:util";\nconst { openBackend } = await import(${JSON.stringify(builtCore(format))});\nawait main();`
      : `const { inspect } = require("node:util");\nconst { openBackend } = require(${JSON.stringify(builtCore(format))});\nvoid main();`;
  return `${load}
async function main() {
  const results = [];
  for (const config of JSON.parse(process.argv[2])) {
    try {
      const { from, config: given } = await openBackend(config);
      results.push({ from, config: given, frozen: Object.isFrozen(given) });
    } catch (error) {
      const { code, message, cause } = error;
      const shown = inspect(error, { depth: 10, showHidden: true });
      results.push({ error: { code, message, causeCode: cause?.code, causeName: cause?.name, shown } });
    }
  }
  process.stdout.write(JSON.stringify(results));
}
`;
}

const methods = "load: async () => null, save: async () => {}, delete: async () => {}, list: async () => []";

/** The text of an adapter's ES module that gives `from` as its origin. */
export function esm(from: string): string {
  return `export function fromConfig(config) { return { ${methods}, from: ${JSON.stringify(from)}, config }; }\n`;
}

/** The same in CommonJS. */
export function cjs(from: string): string {
  return `exports.fromConfig = (config) => ({ ${methods}, from: ${JSON.stringify(from)}, config });\n`;
}
