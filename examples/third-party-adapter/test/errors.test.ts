import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { MemoryError, type MemoryErrorCode } from "@deep-agent/core";
import { opened } from "./opened.ts";
import { temporaryFolder } from "./temporary-folder.ts";

async function errorOf(call: Promise<unknown>, code: MemoryErrorCode): Promise<MemoryError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(MemoryError.is(error, code), `${inspect(error)} instead of ${code}`);
  assert.equal(error.backend, "sqlite");
  return error;
}

describe("an error says what became of the call, and what to do", () => {
  it("if another writer locks the file for too long", async (context) => {
    const file = temporaryFolder(context);
    const path = file("memories.db");
    const backend = opened<object>(context, { path, busyTimeout: 20 });
    await backend.append("m", [{ n: 0 }]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const error = await errorOf(backend.append("m", [{ n: 1 }]), "UNAVAILABLE");
    assert.deepEqual([error.outcome, error.retryable, error.memoryId], ["not-applied", true, "m"]);
    assert.deepEqual(await backend.load("m"), [{ n: 0 }], "readers do not wait");
    other.close();
    await backend.append("m", [{ n: 1 }]);
    assert.equal((await backend.load("m"))?.length, 2);
  });

  it("if the folder is missing, until it exists", async (context) => {
    const file = temporaryFolder(context);
    const backend = opened<object>(context, { path: file("missing/memories.db") });
    const error = await errorOf(backend.save("m", [{ n: 0 }]), "UNAVAILABLE");
    assert.deepEqual([error.outcome, error.retryable], ["not-applied", false]);
    assert.match(error.message, /folder/);
    mkdirSync(file("missing"));
    await backend.save("m", [{ n: 0 }]);
    assert.deepEqual(await backend.load("m"), [{ n: 0 }]);
  });

  it("if the file is not a database", async (context) => {
    const file = temporaryFolder(context);
    const path = file("notes.txt");
    writeFileSync(path, "This is not a database. ".repeat(100));
    const backend = opened(context, { path });
    const error = await errorOf(backend.list(), "CORRUPT");
    assert.equal(error.retryable, false);
  });

  it("if the database belongs to another program, and it does not change that", async (context) => {
    const file = temporaryFolder(context);
    const path = file("shop.db");
    const other = new DatabaseSync(path);
    context.after(() => other.close());
    other.exec("CREATE TABLE memories (id TEXT)");
    const backend = opened<object>(context, { path });
    await errorOf(backend.save("m", [{ n: 0 }]), "CORRUPT");
    const tables = other.prepare("SELECT name FROM sqlite_schema").all();
    assert.deepEqual(
      tables.map((row) => row["name"]),
      ["memories"],
    );
  });

  it("if an entry is damaged, without quoting it", async (context) => {
    const file = temporaryFolder(context);
    const path = file("memories.db");
    const backend = opened<object>(context, { path });
    await backend.append("m", [{ text: "canary" }]);
    await backend.append("m", [{ n: 1 }]);
    const other = new DatabaseSync(path);
    context.after(() => other.close());
    other.exec("UPDATE entries SET records = replace(records, '}', '') WHERE position = 1");
    const error = await errorOf(backend.load("m"), "CORRUPT");
    assert.match(error.message, /Entry 1 of memory "m"/);
    assert.ok(!inspect(error, { depth: 10, showHidden: true }).includes("canary"));
    // Calls that do not need the entry do not read it, however long the memory is.
    const newest = await backend.read("m", { last: 1 });
    assert.deepEqual(newest?.records, [{ n: 1 }]);
    await backend.append("m", [{ n: 2 }], { since: newest?.revision });
    assert.equal((await backend.info("m"))?.records, 3);
  });
});
