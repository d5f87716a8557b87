import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

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
  const manifest: unknown = JSON.parse(readFileSync(join(root, file), "utf8"));
  if (!isObject(manifest) || manifest["private"] === true) return { folder, doors };
  const named = isObject(manifest["exports"]) ? manifest["exports"] : { ".": manifest["exports"] };
  for (const [door, built] of Object.entries({ ".": manifest["types"] ?? "src/index.ts", ...named })) {
    const source = textsIn(built)
      .map((path) => path.replace(/^(?:\.\/)?dist\//, "src/").replace(/(?:\.d)?\.([cm]?)[jt]s$/, ".ts"))
      .find((path) => path.endsWith(".ts") && existsSync(join(root, folder, path)));
    if (source !== undefined) doors.set(`${manifest["name"] ?? folder}${door.slice(1)}`, source);
  }
  return { folder, doors };
}

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return isObject(value) ? Object.values(value).flatMap(textsIn) : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
