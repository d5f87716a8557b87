/**
 * A package's rooms: the folders and files of its `src`, by their path there, and what else of it each of them may
 * import. Types and lazy imports count. A folder that is named beside its parent is a room of its own; any other belongs
 * to its parent's room.
 */
export type Rooms = Readonly<Record<string, readonly string[]>>;

/** The one file of core that looks up at rooms: what an import of core does not load. Rooms import it lazily only. */
export const lazyChunk = "lazy-chunk.ts";

/** The packages that are large enough for rooms. A test compares the pictures in docs/architecture.md with this. */
export const roomsOf: Readonly<Record<string, Rooms>> = {
  core: {
    "index.ts": ["agent", "conversation", "model", "model/openai", "open", "contract"],
    // Of what opens backends, adapters get the type of a config. The rest would bring the agent along.
    "adapter.ts": ["open/backend-config.ts", "adapter-kit", "concurrency", "contract"],
    [lazyChunk]: ["agent", "conversation", "model/openai", "open"],
    agent: ["conversation", "model", "model/openai", "adapter-kit", "concurrency", "contract", lazyChunk],
    conversation: ["adapter-kit", "concurrency", "contract", lazyChunk],
    "model/openai": ["model", "contract", lazyChunk],
    model: ["contract"],
    open: ["contract", lazyChunk],
    "adapter-kit": ["contract"],
    contract: [],
    concurrency: [],
  },
  redis: {
    "index.ts": ["from-config.ts", "redis-backend.ts", "memories", "wire/clients", "options"],
    "from-config.ts": ["redis-backend.ts", "options"],
    "redis-backend.ts": [
      "assemble.ts",
      "memories",
      "wire/pooled",
      "wire/clients",
      "wire",
      "options",
      "backend-name.ts",
    ],
    "assemble.ts": ["memories", "calls", "wire", "options"],
    memories: ["calls", "wire", "scripts", "layout", "options", "backend-name.ts"],
    calls: ["wire", "scripts", "options", "backend-name.ts"],
    "wire/pooled": ["wire/cluster", "wire", "options", "backend-name.ts"],
    "wire/clients": ["wire/cluster", "wire", "options"],
    "wire/cluster": ["wire"],
    wire: ["backend-name.ts"],
    scripts: ["layout", "options"],
    layout: ["options"],
    options: ["backend-name.ts"],
    "backend-name.ts": [],
  },
  middleware: {
    "index.ts": ["records", "calls", "fallback", "encryption", "naming", "layer"],
    records: ["layer"],
    calls: ["layer"],
    fallback: ["layer"],
    encryption: ["naming", "layer"],
    naming: ["layer"],
    layer: [],
  },
};

/** The room of a file, which is named by its path in the package's `src`; `undefined` if it is in none. */
export function roomOf(rooms: Rooms, file: string): string | undefined {
  if (file in rooms) return file;
  const folders = Object.keys(rooms).filter((room) => file.startsWith(`${room}/`));
  return folders.toSorted((one, other) => other.length - one.length)[0];
}
