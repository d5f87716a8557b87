import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import type { AdapterName } from "./adapter-name.ts";
import { Refusal } from "./refusal.ts";

const templates = join(import.meta.dirname, "template");

export interface MadePackage {
  /** Removes everything that was made. */
  undo(): void;
}

/**
 * Writes the package's files and its changeset into the repository. Throws a {@link Refusal} if one of them exists
 * already, and does not change it.
 */
export function makePackage(root: string, name: AdapterName): MadePackage {
  for (const path of [name.folder, name.changeset]) {
    if (existsSync(join(root, path))) throw new Refusal(`${path} exists already. It was not changed.`);
  }
  const folder = join(root, name.folder);
  const changeset = join(root, name.changeset);
  // Written to a temporary folder, then renamed: so the package appears all at once.
  const temporaryFolder = join(root, "packages", `.${name.name}.${process.pid}`);
  try {
    writePackage(root, temporaryFolder, name);
    writeFileSync(changeset, filled(join(templates, "changeset.md.template"), name), { flag: "wx" });
  } catch (error) {
    rmSync(temporaryFolder, { recursive: true, force: true });
    throw error;
  }
  renameSync(temporaryFolder, folder);
  return {
    undo() {
      rmSync(folder, { recursive: true, force: true });
      rmSync(changeset, { force: true });
    },
  };
}

function writePackage(root: string, folder: string, name: AdapterName): void {
  const source = join(templates, "package");
  for (const entry of readdirSync(source, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const template = join(entry.parentPath, entry.name);
    const path = join(
      folder,
      relative(source, template)
        .replace(/\.template$/, "")
        .replace("NAME", name.name),
    );
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, filled(template, name));
  }
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
}

/** The template's text with the name filled in. */
function filled(template: string, { name, className, packageName }: AdapterName): string {
  return readFileSync(template, "utf8")
    .replaceAll("{{name}}", name)
    .replaceAll("{{Name}}", className)
    .replaceAll("{{package}}", packageName);
}
