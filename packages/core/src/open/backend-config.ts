import { MemoryError } from "../contract/memory-error.ts";
import { adapterOfUrl } from "./schemes.ts";

/** Which adapter to use, and what its `fromConfig` is to be told. */
export interface BackendConfig {
  /** The package or module that exports `fromConfig`: `"@acme/memory-s3"`, `"@acme/memory-s3/lite"`, `"./my-adapter.js"`. */
  adapter: string;
  /** The address, for adapters that take one. */
  url?: string | undefined;
  /** The adapter's own. */
  [option: string]: unknown;
}

/**
 * The config as an object, frozen and the caller's no more. Throws `INVALID_CONFIG` where it is none; the message holds nothing
 * of what was given, since that may be a password.
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
        hint: 'Give an address ("file:./memories") or an object ({ adapter: "@acme/memory-s3", ...options }); a `url` in it is a string.',
      },
    );
  }
  if (adapter.includes("://") || /^[^/\\@]*:[^/\\]*@/.test(adapter)) {
    // Not quoted, here or later: it may well hold a password.
    throw new MemoryError(
      "INVALID_CONFIG",
      "The config's `adapter` is an address, where the name of a package is needed.",
      {
        hint: "Give the address itself as the config, or as `url` beside the name of its adapter.",
      },
    );
  }
  return Object.freeze({ ...config });
}
