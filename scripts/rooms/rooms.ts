/**
 * A package's rooms: folders and files of its `src`, by their path there, with the other rooms that each of them may
 * import. Types and lazy imports count. A folder that is listed beside its parent is a room of its own; any other
 * folder belongs to its parent's room.
 */
export type Rooms = Readonly<Record<string, readonly string[]>>;

/**
 * The one file of core that imports rooms above it: the code that an import of core does not load. Rooms import this
 * file lazily only.
 */
export const lazyChunk = "lazy-chunk.ts";

/** The packages that are large enough for rooms. A test compares the diagrams in docs/architecture.md with this. */
export const roomsOf: Readonly<Record<string, Rooms>> = {
  core: {
    "index.ts": ["agent", "conversation", "model", "model/openai", "open", "contract"],
    // Adapters get only the type of a config from `open`. The rest would load the agent as well.
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

/** The room of a file, by the file's path in the package's `src`; `undefined` if no room has it. */
export function roomOf(rooms: Rooms, file: string): string | undefined {
  if (file in rooms) return file;
  const folders = Object.keys(rooms).filter((room) => file.startsWith(`${room}/`));
  return folders.toSorted((one, other) => other.length - one.length)[0];
}
