// Counts the casts in the sources of each package: the compiler cannot check what they claim. `pnpm lint` fails if there
// are more than here. A limit may go down; whoever raises one says why in the commit.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { castsIn } from "./casts-in.ts";

const limits: Readonly<Record<string, number>> = {
  conformance: 59,
  core: 34,
  file: 7,
  "in-memory": 2,
  keyv: 5,
  middleware: 17,
  redis: 14,
};

/** Of a package that is not named above. */
const LIMIT = 10;

const root = resolve(import.meta.dirname, "../..");

for (const name of readdirSync(join(root, "packages")).sort()) {
  const folder = join("packages", name, "src");
  if (!existsSync(join(root, folder))) continue;
  const limit = limits[name] ?? LIMIT;
  const files = castsBelow(folder);
  const count = files.reduce((sum, { places }) => sum + places.length, 0);
  if (count <= limit) continue;
  console.error(`${folder} has ${count} casts, and may have ${limit} (scripts/lint/casts.ts):`);
  for (const { file, places } of files) {
    console.error(`  ${file}: ${places.length}`);
    for (const place of places) console.error(`    ${place}`);
  }
  process.exitCode = 1;
}

/** The files of a folder that have casts, those with most of them first. */
function castsBelow(folder: string): { file: string; places: string[] }[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.[cm]?tsx?$/.test(path))
    .map((path) => {
      const file = join(folder, path);
      const casts = castsIn(readFileSync(join(root, file), "utf8"));
      return { file, places: casts.map(({ line, text }) => `${file}:${line}: ${text}`) };
    })
    .filter(({ places }) => places.length > 0)
    .sort((one, other) => other.places.length - one.places.length);
}
