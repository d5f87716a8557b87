import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { type Rooms, roomOf, roomsOf } from "../../../scripts/rooms/rooms.ts";
import { foreign } from "../../../scripts/rooms/rules.ts";
import { run, workspace } from "./support/copied-sources.ts";

/** Arrows between rooms: "agent --> conversation", or "agent -.-> lazy-chunk.ts" if every import is lazy. */
type Arrows = ReadonlySet<string>;

interface Dependency {
  resolved: string;
  dynamic: boolean;
  dependencyTypes: string[];
}

const page = readFileSync(join(workspace, "docs/architecture.md"), "utf8");
const modules = cruise();

describe.each(Object.entries(roomsOf))("docs/architecture.md shows the rooms of %s", (name, rooms) => {
  const shown = arrowsShown(name);

  it("with an arrow for every import between them, and no other arrows", () => {
    expect(sorted(shown)).toEqual(sorted(arrowsImported(name, rooms)));
  });

  it("with the arrows that the rules of lint allow", () => {
    const allowed = Object.entries(rooms).flatMap(([room, imports]) =>
      imports.map((path) => `${room} ${roomOf(rooms, path) ?? path}`),
    );
    expect([...shown].map((arrow) => arrow.replace(/ -\.?-> /, " ")).sort()).toEqual(allowed.sort());
  });
});

describe.each(Object.entries(roomsOf))("every file of %s", (name, rooms) => {
  it("is in a room, also if nothing imports it", () => {
    const files = readdirSync(join(workspace, "packages", name, "src"), { recursive: true, encoding: "utf8" });
    const sources = files.filter((file) => file.endsWith(".ts")).map((file) => file.replaceAll("\\", "/"));
    expect(sources.length).toBeGreaterThan(10);
    expect(sources.filter((file) => roomOf(rooms, file) === undefined)).toEqual([]);
  });
});

describe("a picture", () => {
  it("may have several rooms at both ends of an arrow", () => {
    expect(arrowsIn("flowchart TD\n  a & b/c --> d.ts & e-f\n  a -.-> g")).toEqual([
      "a --> d.ts",
      "a --> e-f",
      "b/c --> d.ts",
      "b/c --> e-f",
      "a -.-> g",
    ]);
  });

  it("is refused if a line is not understood", () => {
    expect(() => arrowsIn("flowchart TD\n  a ==> b")).toThrow("a ==> b");
  });
});

/** The picture under the heading that names the package. */
function arrowsShown(name: string): Arrows {
  const [, picture] =
    new RegExp(`^## The rooms of ${name}$(?:(?!^## ).)*?^\`\`\`mermaid\\n(.*?)^\`\`\`$`, "ms").exec(page) ?? [];
  if (picture === undefined) throw new Error(`docs/architecture.md has no picture under "The rooms of ${name}".`);
  return new Set(arrowsIn(picture));
}

function arrowsIn(picture: string): string[] {
  const [kind, ...lines] = picture.trim().split("\n");
  if (kind !== "flowchart TD") throw new Error(`The picture must be a "flowchart TD", but is a "${kind}".`);
  return lines.flatMap((line) => {
    const [, from, arrow, to] = /^\s*([\w&./ -]+?) (-->|-\.->) ([\w&./ -]+)$/.exec(line) ?? [];
    if (from === undefined || to === undefined) throw new Error(`"${line}" is not an arrow between rooms.`);
    return from.split(" & ").flatMap((start) => to.split(" & ").map((end) => `${start} ${arrow} ${end}`));
  });
}

function arrowsImported(name: string, rooms: Rooms): Arrows {
  const source = `packages/${name}/src/`;
  const loaded = new Map<string, Dependency[]>();
  for (const { source: file, dependencies } of modules) {
    for (const dependency of dependencies) {
      if (!file.startsWith(source) || !dependency.resolved.startsWith(source)) continue;
      const [from, to] = [file, dependency.resolved].map((path) => roomOf(rooms, path.slice(source.length)));
      if (from === to) continue;
      const ends = `${from} ${to}`;
      loaded.set(ends, [...(loaded.get(ends) ?? []), dependency]);
    }
  }
  return new Set([...loaded].map(([ends, imports]) => ends.replace(" ", isLazy(imports) ? " -.-> " : " --> ")));
}

/** Whether everything is imported lazily, except types, which are not loaded at all. */
function isLazy(imports: readonly Dependency[]): boolean {
  const values = imports.filter(({ dependencyTypes }) => !dependencyTypes.includes("type-only"));
  return values.length > 0 && values.every(({ dynamic }) => dynamic);
}

/** All imports as lint sees them, and those of the lazy chunk. */
function cruise(): { source: string; dependencies: Dependency[] }[] {
  const config = "--config dependency-cruiser.config.ts --output-type json";
  const { output } = run(`depcruise packages ${config} --do-not-follow '${foreign.join("|")}'`, workspace);
  return (JSON.parse(output) as { modules: { source: string; dependencies: Dependency[] }[] }).modules;
}

function sorted(arrows: Arrows): string[] {
  return [...arrows].sort();
}
