export { fromConfig } from "./from-config.ts";
export { InMemoryBackend } from "./in-memory-backend.ts";
export { DEFAULT_MAX_MEMORIES, type InMemoryOptions } from "./in-memory-options.ts";
