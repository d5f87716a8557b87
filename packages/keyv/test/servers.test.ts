import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import KeyvRedis from "@keyv/redis";
import { KeyvSqlite } from "@keyv/sqlite";
import { Keyv } from "keyv";
import { KeyvBackend } from "../src/index.ts";
import { type Note, notes } from "./support/stores.ts";

/** Every call rejects, however much of its failure Keyv and the store pass over. */
async function expectAway(backend: KeyvBackend<Note>): Promise<void> {
  const calls = [
    () => backend.load("m"),
    () => backend.load("absent"),
    () => backend.save("m", notes(1, 1)),
    () => backend.delete("m"),
    () => backend.list(),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
}

describe("what Keyv's own stores pass over is a failure all the same", () => {
  it.each([
    ["a store", (store: KeyvSqlite | KeyvRedis<unknown>) => store],
    ["a Keyv", (store: KeyvSqlite | KeyvRedis<unknown>) => new Keyv(store)],
    ["a Keyv that somebody listens to", (store: KeyvSqlite | KeyvRedis<unknown>) => listenedTo(new Keyv(store))],
  ])("a Redis server that stopped, of %s", async (_what, given) => {
    await using server = await startRedis();
    const store = new KeyvRedis({ url: server.url, socket: { reconnectStrategy: false } });
    // Keyv says so itself where nobody listens, also between calls; here it is what is expected.
    const keyv = given(store);
    const backend = new KeyvBackend<Note>(keyv);
    await backend.save("m", notes(0, 1));
    await store.disconnect();
    await server.stop();
    await expectAway(backend);
  });

  it.each([
    ["a store", (store: KeyvSqlite) => store],
    ["a Keyv", (store: KeyvSqlite) => new Keyv(store)],
    ["a Keyv that somebody listens to", (store: KeyvSqlite) => listenedTo(new Keyv(store))],
  ])("a database that was closed, of %s", async (_what, given) => {
    const store = new KeyvSqlite();
    const backend = new KeyvBackend<Note>(given(store));
    await backend.save("m", notes(0, 1));
    await store.disconnect();
    await expectAway(backend);
  });

  it("a database that somebody else has locked", async () => {
    const directory = mkdtempSync(join(tmpdir(), "deep-agent-keyv-"));
    const file = join(directory, "memories.sqlite");
    const store = new KeyvSqlite({ uri: `sqlite://${file}`, busyTimeout: 1 });
    const backend = new KeyvBackend<Note>(listenedTo(new Keyv(store)));
    await backend.save("m", notes(0, 1));
    const other = new KeyvSqlite(`sqlite://${file}`);
    await other.query("BEGIN EXCLUSIVE");
    await expectAway(backend);
    await other.query("ROLLBACK");
    expect(await backend.load("m")).toEqual(notes(0, 1));
    await Promise.all([store.disconnect(), other.disconnect()]);
    rmSync(directory, { recursive: true });
  });
});

function listenedTo(keyv: Keyv): Keyv {
  return keyv.on("error", () => {}) as Keyv; // it answers itself
}
