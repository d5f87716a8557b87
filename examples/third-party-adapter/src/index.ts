export { fromConfig } from "./from-config.ts";
export { SqliteBackend } from "./sqlite-backend.ts";
export type { SqliteOptions } from "./sqlite-options.ts";
