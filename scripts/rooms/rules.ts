import type { IForbiddenRuleType } from "dependency-cruiser";
import { lazyChunk, type Rooms, roomsOf } from "./rooms.ts";

const see = "See scripts/rooms/rooms.ts, and the diagram in docs/architecture.md.";

const chunkFile = `^packages/core/src/${literally(lazyChunk)}$`;

/** Files that are not sources of a package. Rules see who imports them, but not what they import. */
export const foreign: string[] = ["(?:^|/)node_modules/", "^packages/[^/]+/(?!src(?:/|$))"];

/**
 * The same files, and the lazy chunk. Through that chunk each room of core reaches all others, so every import would be
 * part of a cycle. The test of the diagrams checks the chunk's own imports.
 */
export const notFollowed: string[] = [...foreign, chunkFile];

export const rules: IForbiddenRuleType[] = [
  ...Object.entries(roomsOf).flatMap(([name, rooms]) => roomRules(name, rooms)),
  {
    name: "core: the lazy chunk",
    comment: `core's ${lazyChunk} may only be imported by \`import()\`. A static import of it loads everything.`,
    severity: "error",
    from: {},
    to: { path: chunkFile, dynamic: false },
  },
  {
    name: "core: the adapters' door",
    comment: `@deep-agent/core/adapter must not reach agents, conversations and models. Only ${lazyChunk} leads there.`,
    severity: "error",
    from: { path: "^packages/core/src/adapter\\.ts$" },
    to: { path: chunkFile, reachable: true },
  },
  packageRule("core", "core", "core imports no other package of this repository, and no adapter.", []),
  packageRule(
    "conformance",
    "conformance",
    "The kit imports core by @deep-agent/core and @deep-agent/core/adapter, and no other package.",
    ["@deep-agent/core", "@deep-agent/core/adapter"],
  ),
  packageRule(
    "adapters and middleware",
    "(?!(?:core|conformance)/)[^/]+",
    "Adapters and middleware import @deep-agent/core/adapter, and nothing else of this repository.",
    ["@deep-agent/core/adapter"],
  ),
  cycleRule("packages without rooms", `^packages/(?!(?:${Object.keys(roomsOf).join("|")})/)[^/]+/src/`),
];

/**
 * Limits what the sources of some packages may import of this repository, besides their own package: the doors of
 * others.
 */
function packageRule(name: string, folder: string, comment: string, doors: readonly string[]): IForbiddenRuleType {
  return {
    name: `packages: ${name}`,
    comment,
    severity: "error",
    from: { path: `^packages/(${folder})/src/` },
    to: {
      path: "^(?:@deep-agent|@deep-agent-examples|@acme|packages|internal|examples|bench|scripts)/",
      // `$1` is the package's own folder.
      pathNot: ["^packages/$1/src/", ...doors.map((door) => `^${literally(door)}$`)],
    },
  };
}

/** Forbids cycles within these files. Between rooms there cannot be any: the allowed imports of rooms have no cycle. */
function cycleRule(name: string, path: string): IForbiddenRuleType {
  return {
    name: `${name}: no cycles`,
    comment: "Files that import each other cannot be read, tested or moved separately. Types and lazy imports count.",
    severity: "error",
    from: { path },
    to: { circular: true, viaOnly: { path } },
  };
}

function roomRules(name: string, rooms: Rooms): IForbiddenRuleType[] {
  const source = `^packages/${name}/src/`;
  const all = Object.keys(rooms).map((room) => pattern(name, room));
  const rules = Object.entries(rooms).map(([room, imports]): IForbiddenRuleType => {
    const allowed = imports.length === 0 ? "nothing else" : imports.join(", ");
    return {
      name: `${name}: ${room}`,
      comment: `In ${name}, ${room} may import ${allowed}. ${see}`,
      severity: "error",
      from: { path: pattern(name, room) },
      to: { path: source, pathNot: [room, ...imports].map((path) => pattern(name, path)) },
    };
  });
  const homeless = {
    comment: `Each file of ${name} must be in a room, and this one is not. ${see}`,
    severity: "error",
  } as const;
  return [
    ...rules,
    ...Object.keys(rooms).map((room) => cycleRule(`${name}: ${room}`, pattern(name, room))),
    { ...homeless, name: `${name}: no room`, from: { path: source, pathNot: all }, to: {} },
    { ...homeless, name: `${name}: no such room`, from: {}, to: { path: source, pathNot: all } },
  ];
}

/** A pattern for the files of a room, without the files of rooms within it. */
function pattern(name: string, room: string): string {
  const path = `^packages/${name}/src/${literally(room)}`;
  if (room.endsWith(".ts")) return `${path}$`;
  const within = Object.keys(roomsOf[name] ?? {}).filter((other) => other.startsWith(`${room}/`));
  const others = within.map((other) => `${literally(other.slice(room.length + 1))}/`);
  return others.length === 0 ? `${path}/` : `${path}/(?!${others.join("|")})`;
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
