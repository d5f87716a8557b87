import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type BackendConfig, MemoryError, openBackend, supports } from "@deep-agent/core";
import { fromConfig, SqliteBackend } from "../src/index.ts";
import { opened } from "./opened.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const adapter = "@acme/memory-sqlite";

describe("a config becomes a backend, or is rejected at once", () => {
  it("by openBackend", async (context) => {
    const file = temporaryFolder(context);
    const config = Object.freeze({ adapter, path: file("memories.db"), busyTimeout: 100 });
    const backend = await openBackend(config, { load: async () => ({ fromConfig }) });
    assert.ok(backend instanceof SqliteBackend);
    assert.ok(supports(backend, "lifecycle"));
    await backend.save("m", []);
    assert.deepEqual(await backend.list(), ["m"]);
    await backend.close();
  });

  it("in RAM, until the backend is closed", async (context) => {
    const backend = opened<object>(context, { path: ":memory:" });
    await backend.append("m", [{ n: 0 }]);
    assert.deepEqual(await backend.load("m"), [{ n: 0 }]);
  });

  it("but not if it is invalid", () => {
    const wrong: Record<string, unknown>[] = [
      {},
      { path: "" },
      { path: 7 },
      { path: "a\0b" },
      { path: "m.db", busyTimeout: -1 },
      { path: "m.db", busyTimeout: "5s" },
      { path: "m.db", bussyTimeout: 5 },
      { url: "sqlite:m.db" },
    ];
    for (const options of wrong) {
      const config: BackendConfig = { ...options, adapter };
      assert.throws(
        () => fromConfig(config),
        (error) => MemoryError.is(error, "INVALID_CONFIG"),
        JSON.stringify(options),
      );
    }
  });
});
