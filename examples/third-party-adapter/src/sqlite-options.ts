import { checkOptionNames, MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "./sqlite-error.ts";

export interface SqliteOptions {
  /** The database file, made where it is missing; its folder must be there. `":memory:"`: one that ends with the backend. */
  path: string;
  /** How long a call waits for other processes that are writing, in ms. Default 5,000. */
  busyTimeout?: number | undefined;
}

/** The options with their defaults. Throws `INVALID_CONFIG` for one that does not exist or makes no sense. */
export function checkedOptions(options: SqliteOptions): Required<SqliteOptions> {
  // A misspelt option would be one that is silently left out.
  checkOptionNames("SqliteBackend", options, ["path", "busyTimeout"], BACKEND);
  const { path, busyTimeout = 5_000 } = options;
  if (typeof path !== "string" || path === "" || path.includes("\0"))
    throw invalid("`path` must be the path of a file.");
  if (!Number.isSafeInteger(busyTimeout) || busyTimeout < 0 || busyTimeout > 600_000) {
    throw invalid("`busyTimeout` must be milliseconds, 600,000 at most.");
  }
  return { path, busyTimeout };
}

function invalid(message: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, {
    backend: BACKEND,
    hint: 'Give { path: "memories.db" }, and busyTimeout if need be.',
  });
}
