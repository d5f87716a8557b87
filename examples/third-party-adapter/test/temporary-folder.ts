import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** Makes a folder that is removed after the test. The result gives the path of a file in it. */
export function temporaryFolder(context: TestContext): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "memory-sqlite-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return (name) => join(folder, name);
}
