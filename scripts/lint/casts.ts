// Counts the casts in the sources of each package: the compiler cannot check them. `pnpm lint` fails if a package has
// more than its limit here. A limit may go down. To raise one, give the reason in the commit.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { castsIn } from "./casts-in.ts";

const limits: Readonly<Record<string, number>> = {
  conformance: 74,
  core: 34,
  file: 7,
  "in-memory": 2,
  keyv: 5,
  middleware: 17,
  redis: 7,
};

/** The limit of any other package. */
const LIMIT = 10;

const root = resolve(import.meta.dirname, "../..");

for (const name of readdirSync(join(root, "packages")).sort()) {
  const folder = join("packages", name, "src");
  if (!existsSync(join(root, folder))) continue;
  const limit = limits[name] ?? LIMIT;
  const files = castsBelow(folder);
  const count = files.reduce((sum, { places }) => sum + places.length, 0);
  if (count <= limit) continue;
  console.error(`${folder} has ${count} casts, more than its limit of ${limit} (scripts/lint/casts.ts):`);
  for (const { file, places } of files) {
    console.error(`  ${file}: ${places.length}`);
    for (const place of places) console.error(`    ${place}`);
  }
  process.exitCode = 1;
}

/** The files of a folder that have casts. The file with the most casts comes first. */
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
