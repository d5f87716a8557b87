import { checkOptionNames, MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "./sqlite-error.ts";

/** The options of `SqliteBackend`. */
export interface SqliteOptions {
  /**
   * The database file. It is created if it does not exist; its folder must exist. `":memory:"` is a database in RAM
   * that ends with the backend.
   */
  path: string;
  /** How long a call waits for other processes that are writing, in ms. Default 5,000. */
  busyTimeout?: number | undefined;
}

/** The options with their defaults. Throws `INVALID_CONFIG` for an invalid option, and for one that does not exist. */
export function checkedOptions(options: SqliteOptions): Required<SqliteOptions> {
  // A misspelt option would silently do nothing.
  checkOptionNames("SqliteBackend", options, ["path", "busyTimeout"], BACKEND);
  const { path, busyTimeout = 5_000 } = options;
  if (typeof path !== "string" || path === "" || path.includes("\0"))
    throw invalid("`path` must be the path of a file.");
  if (!Number.isSafeInteger(busyTimeout) || busyTimeout < 0 || busyTimeout > 600_000) {
    throw invalid("`busyTimeout` must be an integer number of ms from 0 to 600,000.");
  }
  return { path, busyTimeout };
}

function invalid(message: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, {
    backend: BACKEND,
    hint: 'Pass { path: "memories.db" }, and busyTimeout if you need it.',
  });
}
