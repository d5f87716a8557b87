export { fromConfig } from "./from-config.ts";
export { InMemoryBackend } from "./in-memory-backend.ts";
export type { InMemoryOptions } from "./in-memory-options.ts";
