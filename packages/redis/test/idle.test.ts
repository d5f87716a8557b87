import { setTimeout as pause } from "node:timers/promises";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { createClient } from "@redis/client";
import { RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { type Note, notes } from "./support/backends.ts";
import { type Place, places } from "./support/topologies.ts";

/** How many connections to wait for, and what happens until then. */
interface Watched extends AsyncDisposable {
  /** The number of connections of others now. */
  count(): Promise<number>;
  /** Resolves when there are at most so many. Rejects after ten seconds. */
  atMost(most: number): Promise<void>;
}

/** A connection that counts the others. It is there before a server may take no more. */
async function watch({ host, port }: { host: string; port: number }): Promise<Watched> {
  const client = createClient({ socket: { host, port }, disableClientInfo: true });
  client.on("error", () => undefined);
  await client.connect();
  const count = async (): Promise<number> => {
    const lines = String(await client.sendCommand(["CLIENT", "LIST", "TYPE", "NORMAL"])).split("\n");
    return lines.filter((line) => line !== "").length - 1;
  };
  return {
    count,
    async atMost(most) {
      const limit = performance.now() + 10_000;
      for (let now = await count(); now > most; now = await count()) {
        if (performance.now() > limit) throw new Error(`There are still ${now} connections.`);
        await pause(20);
      }
    },
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}

const CAPACITY = 60;

/** A server that takes 60 connections, one of which counts the others. */
async function small(): Promise<AsyncDisposable & { server: RedisServer; watched: Watched }> {
  const server = await startRedis({ args: ["--maxclients", String(CAPACITY)] });
  const watched = await watch(server);
  return {
    server,
    watched,
    async [Symbol.asyncDispose]() {
      await watched[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("200 backends that are made and forgotten store all turns on a server that takes 60 connections", () => {
  const options: [string, (addr: string, n: number) => RedisBackendOptions][] = [
    ["with equal options", (addr) => ({ addr })],
    ["without HELLO", (addr, n) => ({ addr, protocol: 2, username: `any-${n}` })],
    ["with an option of its own each", (addr, n) => ({ addr, password: () => `any-${n}` })],
    ["with a small limit for idle connections", (addr) => ({ addr, idleTimeoutMs: 50 })],
    ["whose connections may be idle for ever", (addr) => ({ addr, idleTimeoutMs: null })],
  ];

  it.each(options)("one after another, %s", async (_what, optionsOf) => {
    await using place = await small();
    let most = 0;
    for (let n = 0; n < 200; n++) {
      const backend = new RedisBackend<Note>(optionsOf(place.server.addr, n));
      await backend.append("a", notes(n, 1));
      most = Math.max(most, await place.watched.count());
    }
    await using reader = new RedisBackend<Note>(place.server.addr);
    expect(await reader.load("a")).toEqual(notes(0, 200));
    expect(most).toBeLessThan(30);
  });

  it.each([3, 2] as const)("all at the same time, by protocol %d", async (protocol) => {
    await using place = await small();
    const options = { addr: place.server.addr, timeoutMs: 30_000, protocol };
    await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const backend = new RedisBackend<Note>(options);
        await backend.append("a", notes(n, 1));
        await backend.append("a", notes(n + 1_000, 1));
      }),
    );
    await using reader = new RedisBackend<Note>(options);
    expect(await reader.load("a")).toHaveLength(400);
  });

  it("while another program has nearly all connections", async () => {
    await using place = await small();
    const others = Array.from({ length: CAPACITY - 5 }, () =>
      createClient({ socket: { host: place.server.host, port: place.server.port }, disableClientInfo: true }),
    );
    for (const other of others) await other.on("error", () => undefined).connect();
    for (let n = 0; n < 50; n++) {
      const backend = new RedisBackend<Note>({ addr: place.server.addr, password: `any-${n}` });
      await backend.append("a", notes(n, 1));
    }
    await using reader = new RedisBackend<Note>(place.server.addr);
    expect(await reader.load("a")).toHaveLength(50);
    for (const other of others) other.destroy();
  });

  it("and if there is no connection left, a call waits for one, or says so", async () => {
    await using place = await small();
    const others = Array.from({ length: CAPACITY - 1 }, () =>
      createClient({ socket: { host: place.server.host, port: place.server.port }, disableClientInfo: true }),
    );
    for (const other of others) await other.on("error", () => undefined).connect();
    await using hasty = new RedisBackend<Note>({ addr: place.server.addr, timeoutMs: 300 });
    await expect(hasty.append("a", notes(0, 1))).rejects.toMatchObject({
      code: "UNAVAILABLE",
      outcome: "not-applied",
      retryable: true,
      hint: expect.stringContaining("maxclients"),
    });
    await using patient = new RedisBackend<Note>({ addr: place.server.addr, timeoutMs: 10_000 });
    const call = patient.append("a", notes(1, 1));
    await pause(300);
    for (const other of others) other.destroy();
    await call;
    expect(await patient.load("a")).toEqual(notes(1, 1));
  });
});

describe("idle connections are closed, and the next call opens others", () => {
  it.each<[keyof typeof places, (place: Place) => RedisBackendOptions]>([
    ["server", ({ addr }) => ({ addr })],
    ["cluster", ({ nodes }) => ({ cluster: nodes.map(({ host, port }) => `${host}:${port}`) })],
    [
      "sentinels",
      ({ name, nodes }) => ({ sentinel: { name, nodes: nodes.map(({ host, port }) => `${host}:${port}`) } }),
    ],
  ])("on a %s", async (kind, optionsOf) => {
    await using place = await places[kind]();
    const { addressMap, proxies } = place.proxies;
    const names = Object.entries(addressMap).map(([from, { host, port }]) => [from, `${host}:${port}`]);
    await using backend = new RedisBackend<Note>({
      ...optionsOf(place),
      ...(kind !== "server" && { addressMap: Object.fromEntries(names) }),
      idleTimeoutMs: 100,
      timeoutMs: 10_000,
    });
    for (let n = 0; n < 3; n++) {
      for (const memoryId of ["a", "b", "c", "d"]) await backend.append(memoryId, notes(n, 1));
      expect(proxies.some(({ clients }) => clients > 0)).toBe(true);
      while (proxies.some(({ clients }) => clients > 0)) await pause(20);
    }
    for (const memoryId of ["a", "b", "c", "d"]) expect(await backend.load(memoryId)).toEqual(notes(0, 3));
  });

  it("and no call is lost if it comes at the moment when they are closed", async () => {
    await using server = await startRedis();
    await using watched = await watch(server);
    await using backend = new RedisBackend<Note>({ addr: server.addr, idleTimeoutMs: 5 });
    const found = new Set<number>();
    for (let n = 0; n < 150; n++) {
      await backend.append("a", notes(n, 1));
      await pause(4 + (n % 3));
      found.add(await watched.count());
    }
    expect(await backend.load("a")).toEqual(notes(0, 150));
    expect([...found].sort()).toEqual([0, 1]);
  });

  it("also those that a pool opened for many calls at the same time", async () => {
    await using server = await startRedis();
    await using watched = await watch(server);
    await using backend = new RedisBackend<Note>({ addr: server.addr, idleTimeoutMs: 200 });
    while ((await watched.count()) < 5) await Promise.all(Array.from({ length: 20 }, () => backend.ping()));
    // One call at a time keeps one connection in use.
    const limit = performance.now() + 10_000;
    while ((await watched.count()) > 1 && performance.now() < limit) await backend.ping();
    expect(await watched.count()).toBe(1);
    await watched.atMost(0);
  });

  it("but never the connection of a given client, nor one without a limit", async () => {
    await using server = await startRedis();
    await using watched = await watch(server);
    const client = createClient({ url: server.url });
    await client.on("error", () => undefined).connect();
    const given = RedisBackend.fromClient<Note>(client);
    await using own = new RedisBackend<Note>({ addr: server.addr, idleTimeoutMs: 0 });
    await using shortLived = new RedisBackend<Note>({ addr: server.addr, idleTimeoutMs: 50 });
    for (const backend of [given, own, shortLived]) await backend.append("a", notes(0, 1));
    await watched.atMost(2);
    await pause(200);
    expect(await watched.count()).toBe(2);
    expect(client.isReady).toBe(true);
    expect(() => RedisBackend.fromClient(client, { idleTimeoutMs: 50 } as object)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG" }),
    );
    client.destroy();
  });
});
