import { once } from "node:events";
import net from "node:net";
import { startCluster, startProxy, startRedis, startSentinels } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { createClient, createClientPool, createSentinel } from "@redis/client";
import { Redis } from "ioredis";
import { RedisBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

const redis = useServer();

describe("nodes that stand still do not hold up the others", () => {
  it("neither the first of those that were given, nor three masters of six", async () => {
    await using cluster = await startCluster({ masters: 6, nodeTimeoutMs: 60_000 });
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    const frozen = cluster.servers.slice(0, 3);
    const healthy: string[] = [];
    for (let n = 0; healthy.length < 9; n++) {
      if (!frozen.includes(await cluster.masterOf(`p:m${n}`))) healthy.push(`m${n}`);
    }
    const options = { cluster: nodes, prefix: "p:", timeoutMs: 4_000 };
    await using before = new RedisBackend<Note>(options);
    for (const memoryId of healthy) await before.append(memoryId, notes(0, 1));
    for (const server of frozen) await server.freeze();
    await using after = new RedisBackend<Note>(options);
    for (const backend of [before, after]) {
      for (const memoryId of healthy) {
        await backend.append(memoryId, notes(1, 1));
        expect((await backend.load(memoryId))?.length).toBeGreaterThan(1);
      }
    }
    // While calls for those that stand still fail.
    for (let n = 0; ; n++) {
      if (!frozen.includes(await cluster.masterOf(`p:f${n}`))) continue;
      const calls = await Promise.allSettled([
        before.load(`f${n}`),
        ...healthy.map((memoryId) => before.load(memoryId)),
      ]);
      expect(calls.map(({ status }) => status)).toEqual(["rejected", ...healthy.map(() => "fulfilled")]);
      break;
    }
    for (const server of frozen) await server.thaw();
  });

  it("and nothing is opened any more behind close()", async () => {
    await using cluster = await startCluster();
    const [first, second] = cluster.servers;
    await first?.freeze();
    const backend = new RedisBackend<Note>({ cluster: cluster.nodes.map(({ host, port }) => `${host}:${port}`) });
    const reason = new Error("enough");
    expect(await rejectionOf(backend.load("a", { signal: AbortSignal.timeout(30) }))).toMatchObject({
      name: "TimeoutError",
    });
    expect(await rejectionOf(backend.load("a", { signal: AbortSignal.abort(reason) }))).toBe(reason);
    await backend.close();
    await first?.thaw();
    // A node answers its newest connection after those before it.
    const clients = String(await second?.command("CLIENT", "LIST", "TYPE", "normal"))
      .trim()
      .split("\n");
    expect(clients).toHaveLength(1);
  });
});

/** A line to the server that can be away, and come back at the same address. */
class Line implements AsyncDisposable {
  #sockets: net.Socket[] = [];
  #listener: net.Server | undefined;
  port = 0;

  async come(): Promise<void> {
    this.#listener = net.createServer((client) => {
      const server = net.connect(redis.server.port, redis.server.host);
      this.#sockets.push(client, server);
      client.on("error", () => server.destroy()).on("close", () => server.destroy());
      server.on("error", () => client.destroy()).on("close", () => client.destroy());
      client.pipe(server).pipe(client);
    });
    this.#listener.listen(this.port, "127.0.0.1");
    await once(this.#listener, "listening");
    this.port = (this.#listener.address() as net.AddressInfo).port;
  }

  async go(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets = [];
    this.#listener?.close();
    if (this.#listener) await once(this.#listener, "close");
    this.#listener = undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.go();
  }
}

describe("a call that was aborted while a client was away is not sent when it is back", () => {
  const clients = {
    "node-redis client": async (port: number) => {
      const client = createClient({ url: `redis://127.0.0.1:${port}` });
      await client.on("error", () => undefined).connect();
      return { client, close: () => client.destroy() };
    },
    "node-redis pool": async (port: number) => {
      const client = createClientPool({ url: `redis://127.0.0.1:${port}` }, { maximum: 1 });
      await client.on("error", () => undefined).connect();
      return { client, close: () => client.destroy() };
    },
    ioredis: async (port: number) => {
      const client = new Redis(port, { retryStrategy: () => 50, maxRetriesPerRequest: null });
      client.on("error", () => undefined);
      await client.ping();
      return { client, close: () => client.disconnect() };
    },
  };

  it.each(Object.keys(clients) as (keyof typeof clients)[])("by %s", async (name) => {
    await using line = new Line();
    await line.come();
    const { client, close } = await clients[name](line.port);
    const backend = RedisBackend.fromClient<Note>(client, { prefix: redis.prefix, timeoutMs: 20_000 });
    await backend.append("a", notes(0, 1));
    await line.go();
    // It notices.
    while (client instanceof Redis ? client.status === "ready" : "isReady" in client && client.isReady)
      await redis.command("PING");
    const controller = new AbortController();
    const appended = backend.append("a", notes(1, 1), { signal: controller.signal });
    const reason = new Error("enough");
    setImmediate(() => controller.abort(reason));
    expect(await rejectionOf(appended)).toBe(reason);
    await line.come();
    // Behind whatever waited in the client.
    await backend.append("a", notes(2, 1));
    expect(await backend.load("a")).toEqual([...notes(0, 1), ...notes(2, 1)]);
    close();
  });
});

describe("reading from replicas", () => {
  it("leaves no connection open, however many begin at once", async () => {
    await using set = await startSentinels({ replicas: 1 });
    const sentinel = { name: set.name, nodes: set.sentinels.map(({ host, port }) => `${host}:${port}`) };
    const backend = new RedisBackend<Note>({ sentinel, reads: "replica", poolSize: 1 });
    await backend.append("a", notes(0, 1));
    await Promise.all(Array.from({ length: 15 }, () => backend.load("a")));
    const [replica] = await set.replicas();
    const open = async (): Promise<number> =>
      String(await replica?.command("CLIENT", "LIST", "TYPE", "normal"))
        .split("\n")
        .filter((line) => /cmd=(lrange|evalsha|eval|hello)/.test(line)).length;
    expect(await open()).toBe(1);
    await backend.close();
    while ((await open()) > 0);
  });

  it("turns to the master where it stands still, by node-redis, too", async () => {
    await using set = await startSentinels({ replicas: 1, downAfterMs: 60_000 });
    const client = createSentinel({ name: set.name, sentinelRootNodes: [...set.sentinels], replicaPoolSize: 1 });
    await client.on("error", () => undefined).connect();
    const backend = RedisBackend.fromClient<Note>(client, { reads: "replica", timeoutMs: 8_000 });
    await backend.append("a", notes(0, 1));
    const [replica] = await set.replicas();
    await replica?.freeze();
    expect(await backend.load("a")).toEqual(notes(0, 1));
    await replica?.thaw();
    await client.destroy();
  });
});

describe("where what was written is asked for once more", () => {
  it("a server that is full by now says that it is there", async () => {
    await using server = await startRedis();
    await using backend = new RedisBackend<Note>(server.addr);
    const revision = await backend.append("a", notes(0, 1), { operationId: "o" });
    await backend.save("b", notes(0, 1), { operationId: "s" });
    await server.command("CONFIG", "SET", "maxmemory", "1");
    expect(await rejectionOf(backend.append("a", notes(1, 1)))).toMatchObject({ code: "CAPACITY" });
    expect(await backend.append("a", notes(0, 1), { operationId: "o" })).toBe(revision);
    await backend.save("b", notes(0, 1), { operationId: "s" });
    await using waiting = new RedisBackend<Note>({
      addr: server.addr,
      durability: { replicas: 1, timeoutMs: 50 },
    });
    const error = await rejectionOf(waiting.append("a", notes(0, 1), { operationId: "o" }));
    expect(error).toMatchObject({ code: expect.stringMatching(/CAPACITY|DURABILITY/), outcome: "applied" });
  });

  it("waiting for replicas does not make it late", async () => {
    await using proxy = await startProxy(redis.server);
    const backend = redis.open({ addr: proxy.addr, durability: { replicas: 1, timeoutMs: 2_000 } });
    const shortfall = { code: "DURABILITY", outcome: "applied" };
    expect(await rejectionOf(backend.append("a", notes(0, 1), { operationId: "o" }))).toMatchObject(shortfall);
    let lost = 0;
    proxy.rule = ([name = ""]) => (name === "EVALSHA" && lost++ === 0 ? "dropReply" : "pass");
    expect(await rejectionOf(backend.append("a", notes(1, 1), { operationId: "p" }))).toMatchObject(shortfall);
    expect(lost).toBeGreaterThan(1);
    expect(await redis.open().load("a")).toEqual(notes(0, 2));
  });

  it("nothing is said to be written where a memory that is not there is renewed", async () => {
    const backend = redis.open({ durability: { replicas: 1, timeoutMs: 50 } });
    await expect(backend.touch("nobody")).resolves.toBeUndefined();
  });
});
