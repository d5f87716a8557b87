import type { TestContext } from "node:test";
import { SqliteBackend, type SqliteOptions } from "../src/index.ts";

/** A backend that is closed after the test. */
export function opened<T extends object>(context: TestContext, options: SqliteOptions): SqliteBackend<T> {
  const backend = new SqliteBackend<T>(options);
  context.after(() => backend.close());
  return backend;
}
