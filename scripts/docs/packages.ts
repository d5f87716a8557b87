import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Refusal } from "../refusal.ts";

/** A published package, or what is taken for one. */
export interface Package {
  readonly folder: string;
  /** The modules that users may import: what they call each, and its source, as a path in the folder. */
  readonly doors: ReadonlyMap<string, string>;
}

/** The published packages of a tree: at its root, and below `packages`. */
export function packagesOf(root: string, files: readonly string[]): Package[] {
  return files
    .filter((file) => /^(?:packages\/[^/]+\/)?package\.json$/.test(file))
    .map((file) => packageOf(root, file))
    .filter(({ doors }) => doors.size > 0);
}

/** What a manifest exports, by its sources: `./dist/adapter.d.ts` is built from `src/adapter.ts`. */
function packageOf(root: string, file: string): Package {
  const folder = file.replace(/\/?package\.json$/, "") || ".";
  const doors = new Map<string, string>();
  const manifest = manifestIn(root, file);
  if (manifest["private"] === true) return { folder, doors };
  for (const [door, built] of Object.entries(exportsOf(manifest))) {
    const source = textsIn(built)
      .map((path) => path.replace(/^(?:\.\/)?dist\//, "src/").replace(/(?:\.d)?\.([cm]?)[jt]s$/, ".ts"))
      .find((path) => path.endsWith(".ts") && existsSync(join(root, folder, path)));
    if (source !== undefined) doors.set(`${manifest["name"] ?? folder}${door.slice(1)}`, source);
  }
  return { folder, doors };
}

/** What a `package.json` says. */
export function manifestIn(root: string, file: string): Readonly<Record<string, unknown>> {
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(join(root, file), "utf8"));
  } catch (error) {
    throw new Refusal(`${file} is not valid JSON: ${(error as Error).message}`);
  }
  return isObject(manifest) ? manifest : {};
}

/** What the manifest says of each door. Its main one may be said in several ways; the first that is there is taken. */
function exportsOf({ exports, types, typings, main }: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const fallback = { types, typings, main, source: "src/index.ts" };
  const isByDoor = isObject(exports) && Object.keys(exports).some((key) => key.startsWith("."));
  if (!isByDoor) return { ".": { exports, fallback } };
  return "." in exports ? { ...exports, ".": { exports: exports["."], fallback } } : exports;
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
