export { fromConfig } from "./from-config.ts";
export { KeyvBackend } from "./keyv-backend.ts";
export type { KeyvBackendOptions, KeyvStore } from "./keyv-options.ts";
