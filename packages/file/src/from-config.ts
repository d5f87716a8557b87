import type { Message } from "@deep-agent/core/adapter";
import { FileBackend } from "./file-backend.ts";
import { type FileBackendOptions, optionsOfUrl } from "./file-options.ts";

/** What `openBackend` hands over: options as such, in a URL, or both; the former win. */
export interface FileConfig extends FileBackendOptions {
  adapter?: string;
  /** For example `"file:./memories?durability=os"`. */
  url?: string;
}

/** Opens a backend for `openBackend`. Throws `INVALID_CONFIG`. */
export function fromConfig<T extends object = Message>(config: FileConfig): FileBackend<T> {
  const { adapter: _adapter, url, ...options } = config;
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return new FileBackend<T>({ ...(url !== undefined && optionsOfUrl(url)), ...given });
}
