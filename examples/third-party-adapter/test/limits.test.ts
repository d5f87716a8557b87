import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { opened } from "./opened.ts";

describe("a save is recognized by its operation id", () => {
  it("while it is among the last 64 saves of its memory that had one", async (context) => {
    const backend = opened<{ n: number }>(context, { path: ":memory:" });
    const save = (n: number): Promise<void> => backend.save("m", [{ n }], { operationId: `save-${n}` });
    for (let n = 0; n <= 64; n++) await save(n);
    await save(1);
    assert.deepEqual(await backend.load("m"), [{ n: 64 }]);
    await save(0);
    assert.deepEqual(await backend.load("m"), [{ n: 0 }]);
  });
});
