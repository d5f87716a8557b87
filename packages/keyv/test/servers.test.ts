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

/** Checks that every call rejects, although Keyv and the store hide parts of the failure. */
async function expectUnavailable(backend: KeyvBackend<Note>): Promise<void> {
  const calls = [
    () => backend.load("m"),
    () => backend.load("absent"),
    () => backend.save("m", notes(1, 1)),
    () => backend.delete("m"),
    () => backend.list(),
  ];
  for (const call of calls) await expect(call()).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
}

describe("a failure that Keyv's own stores hide is reported", () => {
  it.each([
    ["a store", (store: KeyvSqlite | KeyvRedis<unknown>) => store],
    ["a Keyv", (store: KeyvSqlite | KeyvRedis<unknown>) => new Keyv(store)],
    ["a Keyv with a listener", (store: KeyvSqlite | KeyvRedis<unknown>) => withListener(new Keyv(store))],
  ])("a Redis server that stopped, of %s", async (_what, given) => {
    await using server = await startRedis();
    const store = new KeyvRedis({ url: server.url, socket: { reconnectStrategy: false } });
    // Without a listener, Keyv throws the error itself, even between calls. This test expects that.
    const keyv = given(store);
    const backend = new KeyvBackend<Note>(keyv);
    await backend.save("m", notes(0, 1));
    await store.disconnect();
    await server.stop();
    await expectUnavailable(backend);
  });

  it.each([
    ["a store", (store: KeyvSqlite) => store],
    ["a Keyv", (store: KeyvSqlite) => new Keyv(store)],
    ["a Keyv with a listener", (store: KeyvSqlite) => withListener(new Keyv(store))],
  ])("a database that was closed, of %s", async (_what, given) => {
    const store = new KeyvSqlite();
    const backend = new KeyvBackend<Note>(given(store));
    await backend.save("m", notes(0, 1));
    await store.disconnect();
    await expectUnavailable(backend);
  });

  it("a database that another client has locked", async () => {
    const directory = mkdtempSync(join(tmpdir(), "deep-agent-keyv-"));
    const file = join(directory, "memories.sqlite");
    const store = new KeyvSqlite({ uri: `sqlite://${file}`, busyTimeout: 1 });
    const backend = new KeyvBackend<Note>(withListener(new Keyv(store)));
    await backend.save("m", notes(0, 1));
    const other = new KeyvSqlite(`sqlite://${file}`);
    await other.query("BEGIN EXCLUSIVE");
    await expectUnavailable(backend);
    await other.query("ROLLBACK");
    expect(await backend.load("m")).toEqual(notes(0, 1));
    await Promise.all([store.disconnect(), other.disconnect()]);
    rmSync(directory, { recursive: true });
  });
});

function withListener(keyv: Keyv): Keyv {
  return keyv.on("error", () => {}) as Keyv; // `on` returns the Keyv
}
