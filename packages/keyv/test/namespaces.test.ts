import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import KeyvRedis from "@keyv/redis";
import { KeyvSqlite } from "@keyv/sqlite";
import { Keyv } from "keyv";
import { KeyvBackend, type KeyvStore } from "../src/index.ts";
import { FaultyStore, type Note, notes, until } from "./support/stores.ts";

/** Some of them are prefixes of others, or look like a namespace and a key. */
const namespaces = ["a", "A", "ab", "a:", "a::b", "a.b", "ä", "deep-agent", "deep-agent.a", undefined];

let server: RedisServer;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "deep-agent-keyv-"));
  server = await startRedis();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

const map = new Map<string, unknown>();

describe("namespaces share nothing", () => {
  it.each<[string, () => KeyvStore & { disconnect?(): Promise<void> }]>([
    ["in a Map", () => map],
    ["in SQLite", () => new KeyvSqlite(`sqlite://${join(directory, "memories.sqlite")}`)],
    ["in Redis", () => new KeyvRedis(server.url)],
  ])("%s", async (_where, open) => {
    const stores = namespaces.map(() => open());
    const backends = namespaces.map((namespace, index) => new KeyvBackend<Note>({ store: stores[index], namespace }));
    for (const [index, backend] of backends.entries()) {
      await backend.save("m", notes(index, 1));
      await backend.save(`only:${index}`, notes(index, 1));
    }
    for (const [index, backend] of backends.entries()) {
      expect(await backend.load("m")).toEqual(notes(index, 1));
      expect((await backend.list()).sort()).toEqual(["m", `only:${index}`]);
      expect(await backend.load(`only:${index + 1}`)).toBeNull();
    }
    await backends[0]?.delete("m");
    for (const backend of backends.slice(1)) expect(await backend.load("m")).not.toBeNull();
    await Promise.all(stores.map((store) => store.disconnect?.()));
  });
});

describe("a backend never reads another namespace, although every Keyv sets its namespace on its store", () => {
  it("two backends with namespaces of their own cannot share one store object", () => {
    const store = new FaultyStore();
    new KeyvBackend({ store, namespace: "a" });
    new KeyvBackend({ store, namespace: "a" });
    expect(() => new KeyvBackend({ store, namespace: "b" })).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", hint: expect.stringContaining("a store object of its own") }),
    );
    expect(store.namespace).toBe("a");
  });

  it("if another Keyv changes the namespace, all calls are refused, and nothing is read or written", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>({ store, namespace: "a" });
    await backend.save("m", notes(0, 1));
    const other = new KeyvBackend<Note>(new Keyv({ store, namespace: "b" }));
    await other.save("m", notes(5, 1));
    const before = store.calls.length;
    for (const call of [
      () => backend.load("m"),
      () => backend.save("m", notes(1, 1)),
      () => backend.delete("m"),
      () => backend.list(),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "INVALID_CONFIG",
        outcome: "not-applied",
        hint: expect.stringContaining("a store object of its own"),
      });
    }
    expect(store.calls.length).toBe(before);
    expect(await other.load("m")).toEqual(notes(5, 1));
    store.namespace = "a";
    expect(await backend.load("m")).toEqual(notes(0, 1));
  });

  it("even if that happens during a call", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>({ store, namespace: "a" });
    await backend.save("m", notes(0, 1));
    const open = [store.hold("get"), store.hold("set")];
    const outcomes = Promise.allSettled([backend.load("m"), backend.save("m", notes(1, 1))]);
    await until(() => store.calls.length === 3);
    new Keyv({ store, namespace: "b" });
    for (const go of open) go();
    expect(await outcomes).toMatchObject([
      { status: "rejected", reason: { code: "INVALID_CONFIG", outcome: "not-applied" } },
      { status: "rejected", reason: { code: "INVALID_CONFIG", outcome: "unknown" } },
    ]);
  });
});
