// Makes the packages installable elsewhere while none is published: pnpm pack:all DIR
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Refusal } from "./refusal.ts";
import { runPnpm } from "./run-pnpm.ts";

const root = resolve(import.meta.dirname, "..");
const usage = "Usage: npx -y pnpm@10.34.9 pack:all DIR, where DIR is the folder for the packages.";

try {
  packAll(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

function packAll(args: readonly string[]): void {
  const { folder, isBuilt } = optionsOf(args);
  if (!isBuilt) must(runPnpm(root, ["build"]).status === 0, "The build failed. Its messages are above.");
  const names = publishedNames();
  const filters = names.flatMap((name) => ["--filter", name]);
  const packed = runPnpm(root, [...filters, "pack", "--out", join(folder, "%s.tgz")], "pipe");
  must(packed.status === 0, `Packing failed. pnpm said: ${packed.stderr}${packed.stdout}`);
  const tarballs = names.map((name) => join(folder, tarballName(name)));
  console.log(installLine(tarballs));
}

/** The folder, which is there afterwards. `--built` is for who has built everything just now. */
function optionsOf(args: readonly string[]): { folder: string; isBuilt: boolean } {
  let parsed: { positionals: string[]; values: { built?: boolean | undefined } };
  try {
    parsed = parseArgs({ args: [...args], allowPositionals: true, options: { built: { type: "boolean" } } });
  } catch {
    throw new Refusal(usage);
  }
  const [given, ...more] = parsed.positionals;
  if (!given || more.length > 0) throw new Refusal(usage);
  const folder = resolve(process.env["INIT_CWD"] ?? process.cwd(), given);
  must(!existsSync(folder) || statSync(folder).isDirectory(), `${folder} is not a folder. ${usage}`);
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new Refusal(`${folder} cannot be made: ${(error as Error).message}. ${usage}`);
  }
  return { folder, isBuilt: parsed.values.built === true };
}

function publishedNames(): string[] {
  return readdirSync(join(root, "packages"))
    .map((folder) => join(root, "packages", folder, "package.json"))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, "utf8")) as { name: string; private?: boolean })
    .filter((manifest) => !manifest.private)
    .map(({ name }) => name)
    .sort();
}

/** `deep-agent-core.tgz` for `@deep-agent/core`, as pnpm makes it: the same for every version. */
function tarballName(packageName: string): string {
  return `${packageName.slice(1).replace("/", "-")}.tgz`;
}

function installLine(tarballs: readonly string[]): string {
  const quoted = tarballs.map((path) => (/^[\w./:\\-]+$/.test(path) ? path : `"${path}"`));
  return `
${tarballs.length} packages are in place. All of them, in the folder of your program:

npm install ${quoted.join(" ")} openai@7

Every program needs core. Leave out what yours does not use.`;
}

function must(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Refusal(problem);
}
