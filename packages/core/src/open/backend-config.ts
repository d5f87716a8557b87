import { MemoryError } from "../contract/memory-error.ts";
import { adapterOfUrl } from "./schemes.ts";

/** Which adapter to use, and the options for its `fromConfig`. */
export interface BackendConfig {
  /**
   * The package, module of a package, or path that exports `fromConfig`: `"@acme/memory-s3"`, `"@acme/memory-s3/lite"`,
   * `"./my-adapter.js"`.
   */
  adapter: string;
  /** The address of the store, for adapters that take one. Default: none. */
  url?: string | undefined;
  /** Options of the adapter, which documents and checks them. */
  [option: string]: unknown;
}

/**
 * A frozen copy of the config. Throws `INVALID_CONFIG` if the config is invalid. The error quotes nothing of it, since
 * it may hold a password.
 */
export function fullConfig(config: string | BackendConfig): Readonly<BackendConfig> {
  if (typeof config === "string") {
    const url = config.trim();
    return Object.freeze({ adapter: adapterOfUrl(url), url });
  }
  const { adapter, url } = typeof config === "object" && config !== null ? config : ({} as Partial<BackendConfig>);
  if (typeof adapter !== "string" || adapter === "" || (url !== undefined && typeof url !== "string")) {
    throw new MemoryError(
      "INVALID_CONFIG",
      "The backend's config is neither an address nor an object that names an adapter.",
      {
        hint: 'Give an address ("file:./memories") or an object ({ adapter: "@acme/memory-s3", ...options }). Its `url` must be a string.',
      },
    );
  }
  if (adapter.includes("://") || /^[^/\\@]*:[^/\\]*@/.test(adapter)) {
    // Not quoted here or later: it may hold a password.
    throw new MemoryError("INVALID_CONFIG", "The config's `adapter` must be the name of a package, not an address.", {
      hint: "Give the address itself as the config, or as `url` with the name of its adapter.",
    });
  }
  return Object.freeze({ ...config });
}
