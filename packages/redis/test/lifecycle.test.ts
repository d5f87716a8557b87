import { supports } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { createClient, createClientPool } from "@redis/client";
import { RedisBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

const redis = useServer();

/** How many connections the server has, but for the one that asks. */
async function connections(): Promise<number> {
  const [, count] = /connected_clients:(\d+)/.exec(String(await redis.command("INFO", "clients"))) ?? [];
  return Number(count) - 1;
}

describe("connections are opened when they are needed", () => {
  it("not before the first call, whatever is configured", async () => {
    const before = await connections();
    redis.open().withPassword("x").withDB(1).withDB(2).withTTL("1h").withPoolSize(3).withUsername("y");
    expect(await connections()).toBe(before);
  });

  it("one for all calls that come while it is made", async () => {
    const before = await connections();
    const backend = redis.open({ poolSize: 10 });
    await Promise.all(Array.from({ length: 20 }, () => backend.ping()));
    expect(await connections()).toBe(before + 1);
    await backend.close();
  });

  it("more while all are in use, up to the size of the pool", async () => {
    const before = await connections();
    const backend = redis.open({ poolSize: 3 });
    for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 10 }, () => backend.ping()));
    expect(await connections()).toBe(before + 3);
    await backend.close();
    // The server notices when it gets to it.
    while ((await connections()) > before);
  });

  it("and does with those that it has where the server takes no more", async () => {
    const backend = redis.open({ poolSize: 5 });
    await backend.append("a", notes(0, 1));
    const limit = String(await connections());
    await redis.command("CONFIG", "SET", "maxclients", limit);
    const events = await eventsDuring(async () => {
      for (let round = 0; round < 5; round++) await Promise.all(Array.from({ length: 10 }, () => backend.load("a")));
    });
    await backend.close();
    const restored = redis.open();
    for (;;) {
      // Until the server has noticed that the others are gone.
      try {
        await redis.command("CONFIG", "SET", "maxclients", "10000");
        break;
      } catch (error) {
        if (!/max number of clients|closed/i.test(String(error))) throw error;
      }
    }
    expect(events).toEqual([
      expect.objectContaining({
        type: "warning",
        backend: "redis",
        detail: expect.stringContaining("could not be made"),
      }),
    ]);
    expect(await restored.load("a")).toEqual(notes(0, 1));
  });
});

describe("a client that was given", () => {
  it("is used as it is, and stays open", async () => {
    const client = createClient({ socket: { host: redis.server.host, port: redis.server.port } });
    const onError = (): void => undefined;
    client.on("error", onError);
    await client.connect();
    const before = client.eventNames().map((name) => [name, client.listenerCount(name)]);
    const backend = RedisBackend.fromClient<Note>(client, { prefix: redis.prefix, ttl: "1h" });
    await backend.append("a", notes(0, 1));
    expect(await backend.load("a")).toEqual(notes(0, 1));
    expect(supports(backend, "catalogue")).toBe(true);
    await backend.close();
    expect(client.isOpen).toBe(true);
    expect(await client.sendCommand(["PING"])).toBe("PONG");
    expect(client.eventNames().map((name) => [name, client.listenerCount(name)])).toEqual(before);
    client.destroy();
  });

  it("may be a pool", async () => {
    const pool = createClientPool({ socket: { host: redis.server.host, port: redis.server.port } });
    pool.on("error", () => undefined);
    await pool.connect();
    const backend = RedisBackend.fromClient<Note>(pool, { prefix: redis.prefix });
    await Promise.all(Array.from({ length: 20 }, (_, n) => backend.append("a", notes(n, 1))));
    expect(await backend.load("a")).toHaveLength(20);
    expect((await backend.recent?.({ limit: 5 }))?.memories).toHaveLength(1);
    await backend.close();
    expect(pool.isOpen).toBe(true);
    pool.destroy();
  });

  it("has to be connected", async () => {
    const client = createClient({ socket: { host: redis.server.host, port: redis.server.port } });
    const backend = RedisBackend.fromClient<Note>(client);
    const error = await rejectionOf(backend.append("a", notes(0, 1)));
    expect(error).toMatchObject({
      code: "UNAVAILABLE",
      outcome: "not-applied",
      message: expect.stringContaining("connect()"),
    });
  });

  it("does not keep a call waiting for a server that stands still", async () => {
    const client = createClient({ socket: { host: redis.server.host, port: redis.server.port } });
    client.on("error", () => undefined);
    await client.connect();
    const backend = RedisBackend.fromClient<Note>(client, { prefix: redis.prefix, timeoutMs: 300 });
    await backend.append("a", notes(0, 1));
    await redis.server.freeze();
    try {
      expect(await rejectionOf(backend.delete("a"))).toMatchObject({ code: "UNAVAILABLE", retryable: true });
      await backend.close();
    } finally {
      await redis.server.thaw();
    }
    expect(await client.sendCommand(["LLEN", `${redis.prefix}a`])).toBe(2);
    client.destroy();
  });

  it.each<[string, object]>([
    ["nothing of the kind", {}],
    ["ioredis", { call: () => undefined, sendCommand: () => undefined, isCluster: false }],
    ["a cluster", { masters: [], nodeClient: () => undefined, sendCommand: () => undefined, isOpen: true }],
    ["a sentinel", { getMasterNode: () => undefined, sendCommand: () => undefined, isOpen: true }],
  ])("is refused where it is none that fits: %s", (_what, client) => {
    const make = (): unknown => RedisBackend.fromClient(client as Parameters<typeof RedisBackend.fromClient>[0]);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", hint: expect.any(String) }));
  });
});

describe("the catalogue", () => {
  const written = async (backend: RedisBackend<Note>) =>
    (await backend.recent?.({ limit: 1_000 }))?.memories.map(({ memoryId }) => memoryId);

  it("is there where an index is kept", () => {
    expect(supports(redis.open(), "catalogue")).toBe(true);
    for (const backend of [redis.open({ index: false }), redis.open({ prefix: "" })]) {
      expect(backend.recent).toBeUndefined();
      expect(supports(backend, "catalogue")).toBe(false);
    }
  });

  it("forgets what has expired, was deleted by others, or is none", async () => {
    const backend = redis.open();
    const index = `@recent:${redis.prefix}`;
    for (const id of ["a", "b", "c", "d"]) await backend.append(id, notes(0, 1));
    await redis.command("DEL", `${redis.prefix}b`);
    await redis.command("PEXPIRE", `${redis.prefix}c`, "1");
    while ((await redis.command("EXISTS", `${redis.prefix}c`)) === 1);
    await redis.command("ZADD", index, "5", "never");
    expect(await written(backend)).toEqual(["d", "a"]);
    expect(await redis.command("ZRANGE", index, "0", "-1")).toEqual(["a", "d"]);
  });

  it("does not grow with memories that expire unseen", async () => {
    const backend = redis.open({ ttl: 1 });
    for (let n = 0; n < 300; n++) await backend.append(`m${n}`, notes(0, 1));
    expect(Number(await redis.command("ZCARD", `@recent:${redis.prefix}`))).toBeLessThan(60);
  });

  it("pages through memories of the same time", async () => {
    const backend = redis.open();
    const ids = Array.from({ length: 50 }, (_, n) => `m${n}`);
    for (const id of ids) await backend.append(id, notes(0, 1));
    await redis.command("ZADD", `@recent:${redis.prefix}`, ...ids.flatMap((id) => ["7", id]));
    const seen: string[] = [];
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const page = await backend.recent?.({ limit: 3, cursor });
      seen.push(...(page?.memories ?? []).map(({ memoryId }) => memoryId));
      cursor = page?.cursor ?? null;
    }
    expect(seen.sort()).toEqual([...ids].sort());
  });

  it("has the same names for prefixes and ids with signs that mean something to Redis", async () => {
    for (const prefix of ["a*", "app[1]:", "a?", "\\", "^-x", "@", "{tag}:", "a"]) {
      const backend = redis.open({ prefix: redis.prefix + prefix });
      for (const id of ["*", "[x]", "1", "語 \n"]) await backend.append(id, notes(0, 1));
    }
    for (const prefix of ["a*", "app[1]:", "a?", "\\", "^-x", "@", "{tag}:"]) {
      const backend = redis.open({ prefix: redis.prefix + prefix });
      expect((await backend.list()).sort()).toEqual(["*", "1", "[x]", "語 \n"]);
      expect(await backend.list({ prefix: "[" })).toEqual(["[x]"]);
      expect((await written(backend))?.sort()).toEqual(["*", "1", "[x]", "語 \n"]);
    }
  });
});
