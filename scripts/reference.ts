// Writes the reference: a page of Markdown for every public symbol of every package, below docs/reference. The pages
// are not committed; CI writes them, and fails if a comment links what is not there.
import { rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Application, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { filesBelow, filesOf } from "./docs/files.ts";
import { linkProblems } from "./docs/links.ts";
import { packagesOf } from "./docs/packages.ts";
import { shown } from "./docs/problem.ts";

const root = resolve(import.meta.dirname, "..");
const out = join(root, "docs/reference");
const doors = packagesOf(root, filesOf(root)).flatMap(({ folder, doors }) =>
  [...doors].map(([name, source]) => ({ name: name.replace(/^@deep-agent\//, ""), source: join(folder, source) })),
);

const options: TypeDocOptions & Partial<PluginOptions> = {
  plugin: ["typedoc-plugin-markdown"],
  tsconfig: join(root, "scripts/docs/tsconfig.reference.json"),
  outputs: [{ name: "markdown", path: out }],
  entryPoints: doors.map(({ source }) => join(root, source)),
  basePath: root,
  name: "Reference",
  readme: "none",
  entryFileName: "README",
  excludeInternal: true,
  excludePrivate: true,
  // Sources have no stable address while they are worked on.
  disableSources: true,
  hidePageHeader: true,
  parametersFormat: "table",
  validation: { invalidLink: true, invalidPath: true, notExported: false, notDocumented: false },
  treatWarningsAsErrors: true,
};

const app = await Application.bootstrapWithPlugins(options);
const project = await app.convert();
if (!project) process.exit(1);
// TypeDoc calls a module by its source; its users call it by its door, and so does its folder.
for (const module of project.children ?? []) {
  const door = doors.find(({ source }) => source.replace(/(?:\/index)?\.ts$/, "") === module.name);
  module.name = door?.name ?? module.name;
}
app.validate(project);
rmSync(out, { recursive: true, force: true });
await app.generateOutputs(project);

const pages = filesBelow(out);
const problems = linkProblems(out, pages);
for (const problem of problems) console.error(`docs/reference/${shown(problem)}`);
console.log(`${pages.length} pages of ${doors.length} doors are in docs/reference`);
if (problems.length > 0 || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
