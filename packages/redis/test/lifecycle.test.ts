import { supports } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { createClient, createClientPool } from "@redis/client";
import { RedisBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

const redis = useServer();

/** How many connections the server has, without the one that asks. */
async function connections(): Promise<number> {
  const [, count] = /connected_clients:(\d+)/.exec(String(await redis.command("INFO", "clients"))) ?? [];
  return Number(count) - 1;
}

describe("connections are opened when they are needed", () => {
  it("not before the first call, with any configuration", async () => {
    const before = await connections();
    redis.open().withPassword("x").withDB(1).withDB(2).withTTL("1h").withPoolSize(3).withUsername("y");
    expect(await connections()).toBe(before);
  });

  it("one for all calls that come while it is being opened", async () => {
    const before = await connections();
    const backend = redis.open({ poolSize: 10 });
    await Promise.all(Array.from({ length: 20 }, () => backend.ping()));
    expect(await connections()).toBe(before + 1);
    await backend.close();
  });

  it("more if all are in use, up to the size of the pool", async () => {
    const before = await connections();
    const backend = redis.open({ poolSize: 3 });
    for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 10 }, () => backend.ping()));
    expect(await connections()).toBe(before + 3);
    await backend.close();
    // The server notices closed connections a little later.
    while ((await connections()) > before);
  });

  it("and the open ones serve all calls if the server accepts no more", async () => {
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
      // Until the server has noticed that the other connections are closed.
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
        detail: expect.stringContaining("could not open another connection"),
      }),
    ]);
    expect(await restored.load("a")).toEqual(notes(0, 1));
  });
});

describe("a given client", () => {
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

  it("does not keep a call waiting for a frozen server", async () => {
    const client = createClient({ socket: { host: redis.server.host, port: redis.server.port } });
    client.on("error", () => undefined);
    await client.connect();
    const backend = RedisBackend.fromClient<Note>(client, { prefix: redis.prefix, timeoutMs: 1_500 });
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

  it.each<[string, unknown]>([
    ["an empty object", {}],
    ["an object that sends commands, but does not say whether it is open", { sendCommand: () => undefined }],
    ["a URL", "redis://localhost:6379"],
    ["null", null],
  ])("is refused if it is not a client: %s", (_what, client: unknown) => {
    const make = (): unknown => RedisBackend.fromClient(client as Parameters<typeof RedisBackend.fromClient>[0]);
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", hint: expect.any(String) }));
  });
});
