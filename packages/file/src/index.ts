export type { Compacted } from "./compaction.ts";
export { FileBackend } from "./file-backend.ts";
export type { CorruptPolicy, Durability, FileBackendOptions } from "./file-options.ts";
export { type FileConfig, fromConfig } from "./from-config.ts";
