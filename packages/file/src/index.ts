export type { Compacted } from "./compaction.ts";
export { FileBackend } from "./file-backend.ts";
export type { CorruptPolicy, Durability, FileBackendOptions } from "./file-options.ts";
export { type FileStat, type FileSystem, nodeFileSystem, type OpenFile } from "./file-system.ts";
export { fromConfig } from "./from-config.ts";
