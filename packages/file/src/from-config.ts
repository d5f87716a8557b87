import type { Message } from "@deep-agent/core/adapter";
import { FileBackend } from "./file-backend.ts";
import { type FileBackendOptions, optionsOfUrl } from "./file-options.ts";

/** What `openBackend` passes on: options, a URL that holds options, or both. Options win over those in the URL. */
export interface FileConfig extends FileBackendOptions {
  /** The package name of the adapter, by which `openBackend` finds it. Ignored here. */
  adapter?: string;
  /** The directory and options: for example `"file:./memories?durability=os"`. */
  url?: string;
}

/** Makes the backend for `openBackend`. Throws `INVALID_CONFIG` for an unknown option or an invalid value. */
export function fromConfig<T extends object = Message>(config: FileConfig): FileBackend<T> {
  const { adapter: _adapter, url, ...options } = config;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return new FileBackend<T>({ ...(url !== undefined && optionsOfUrl(url)), ...given });
}
