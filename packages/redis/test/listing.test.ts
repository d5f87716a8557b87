import { MemoryError } from "@deep-agent/core";
import {
  type RedisServer,
  startCluster,
  startProxies,
  startProxy,
  startRedis,
  startSentinels,
  type TestCluster,
} from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { createCluster } from "@redis/client";
import keySlot from "cluster-key-slot";
import { Cluster } from "ioredis";
import RedisMock from "ioredis-mock";
import { RedisBackend } from "../src/index.ts";
import { topologyOf } from "../src/options/topology.ts";
import { pooledCommands } from "../src/wire/pooled/pooled-commands.ts";
import type { RedisCommands } from "../src/wire/redis-commands.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";
import { backendOver } from "./support/over-commands.ts";

const PREFIX = "mine[*]:";

/** Creates memories in one slot, and in other slots. Resolves to their ids. */
async function fill(
  cluster: TestCluster,
  backend: RedisBackend<Note>,
  inSlot: number,
  elsewhere: number,
): Promise<string[]> {
  const ids = [
    ...Array.from({ length: inSlot }, (_, n) => `{moving}${n}`),
    ...Array.from({ length: elsewhere }, (_, n) => `m${n}`),
  ];
  await Promise.all(ids.map((memoryId, n) => backend.append(memoryId, notes(n, 1))));
  for (const server of await cluster.masters()) expect(Number(await server.command("DBSIZE"))).toBeGreaterThan(0);
  return ids.sort();
}

/** The master of a key in a new cluster without replicas, in which each master has its share of the slots. */
function masterByKey(cluster: TestCluster, key: string): RedisServer {
  const place = cluster.servers[Math.floor((keySlot(key) * cluster.servers.length) / 16_384)];
  if (place === undefined) throw new Error("There is a server for each slot.");
  return place;
}

function nodesOf(cluster: TestCluster): string[] {
  return cluster.nodes.map(({ host, port }) => `${host}:${port}`);
}

/** A key of each type that is not the type of a memory. */
async function addForeignKeys(command: (key: string, ...words: string[]) => Promise<unknown>): Promise<void> {
  const keys: [id: string, name: string, ...rest: string[]][] = [
    ["hash", "HSET", "field", "value"],
    ["set", "SADD", "value"],
    ["sorted", "ZADD", "1", "value"],
    ["stream", "XADD", "*", "field", "value"],
  ];
  for (const [id, name, ...rest] of keys) await command(PREFIX + id, name, PREFIX + id, ...rest);
}

/** What go-deep-agent has written. */
const GO_VALUE = '[{"role":"user","content":"Hello"}]';

describe("a list names no keys of types that no memory has", () => {
  it("of a server, whether or not SCAN knows the option TYPE", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    await using backend = new RedisBackend<Note>({ addr: server.addr, prefix: PREFIX });
    const ids = ["a", "b", "go"];
    for (const memoryId of ["a", "b"]) await backend.append(memoryId, notes(0, 1));
    await addForeignKeys((_key, ...words) => server.command(...words));
    await server.command("SET", `${PREFIX}go`, GO_VALUE);
    // More than one page of keys, of which most are foreign.
    const filler = `for n = 1, 12000 do redis.call('SADD', KEYS[1] .. n, 'x') end`;
    await server.command("EVAL", filler, "1", `${PREFIX}many`);
    expect((await backend.list()).sort()).toEqual(ids);
    expect(await backend.list({ prefix: "ha" })).toEqual([]);
    for (const refusal of ["ERR syntax error", "ERR unknown option TYPE"]) {
      await using old = new RedisBackend<Note>({ addr: proxy.addr, prefix: PREFIX });
      proxy.refusal = (command) => (command[0] === "SCAN" && command.includes("TYPE") ? refusal : undefined);
      proxy.resetCounts();
      expect((await old.list()).sort()).toEqual(ids);
      const first = proxy.counts.commands["SCAN"] ?? 0;
      expect((await old.list()).sort()).toEqual(ids);
      // It is refused once.
      expect(proxy.counts.commands["SCAN"]).toBe(2 * first - 1);
    }
    expect(await backend.reindex()).toEqual({ memories: 2, pruned: 0 });
  });

  it("of every node of a cluster, by every client", async () => {
    await using cluster = await startCluster();
    await using proxies = await startProxies(cluster.servers);
    const addressMap = Object.fromEntries(
      Object.entries(proxies.addressMap).map(([from, { host, port }]) => [from, `${host}:${port}`]),
    );
    await using own = new RedisBackend<Note>({ cluster: nodesOf(cluster), prefix: PREFIX, timeoutMs: 20_000 });
    const ids = Array.from({ length: 20 }, (_, n) => `m${n}`).sort();
    await Promise.all(ids.map((memoryId) => own.append(memoryId, notes(0, 1))));
    await addForeignKeys(async (key, ...words) => (await cluster.masterOf(key)).command(...words));
    const ioredis = new Cluster([...cluster.nodes]);
    const nodeRedis = createCluster({ rootNodes: cluster.nodes.map((socket) => ({ socket })) });
    await nodeRedis.on("error", () => undefined).connect();
    for (const proxy of proxies.proxies) {
      proxy.refusal = (command) => (command.includes("TYPE") && command[0] === "SCAN" ? "ERR syntax error" : undefined);
    }
    await using old = new RedisBackend<Note>({ cluster: nodesOf(cluster), addressMap, prefix: PREFIX });
    const backends = [
      own,
      old,
      RedisBackend.fromClient<Note>(ioredis, { prefix: PREFIX }),
      RedisBackend.fromClient<Note>(nodeRedis, { prefix: PREFIX }),
    ];
    const lists = await Promise.allSettled(backends.map((backend) => backend.list()));
    ioredis.disconnect();
    nodeRedis.destroy();
    for (const list of lists) expect(list).toMatchObject({ status: "fulfilled", value: expect.any(Array) });
    for (const list of lists) expect(list.status === "fulfilled" && list.value.sort()).toEqual(ids);
  });

  it("of ioredis-mock, which knows no option TYPE", async () => {
    const client = new RedisMock();
    const backend = RedisBackend.fromClient<Note>(client, { prefix: "mine:" });
    await backend.append("a", notes(0, 1));
    await client.hset("mine:hash", "field", "value");
    await client.set("mine:go", GO_VALUE);
    expect((await backend.list()).sort()).toEqual(["a", "go"]);
    expect(await backend.list({ prefix: "h" })).toEqual([]);
    client.disconnect();
  });
});

describe("a list is complete, and has each id once", () => {
  it("on a cluster, by every client, while slots are moved", async () => {
    await using cluster = await startCluster();
    await using own = new RedisBackend<Note>({ cluster: nodesOf(cluster), prefix: PREFIX, timeoutMs: 20_000 });
    const ids = await fill(cluster, own, 300, 600);
    const ioredis = new Cluster([...cluster.nodes]);
    const nodeRedis = createCluster({ rootNodes: cluster.nodes.map((socket) => ({ socket })) });
    nodeRedis.on("error", () => undefined);
    await nodeRedis.connect();
    const options = { prefix: PREFIX, timeoutMs: 20_000 };
    const backends = [
      own,
      RedisBackend.fromClient<Note>(ioredis, options),
      RedisBackend.fromClient<Note>(nodeRedis, options),
    ];
    const slot = await cluster.slotOf(`${PREFIX}{moving}0`);
    // Keys of another program move with the slot, and are never listed.
    await (await cluster.masterOf(`${PREFIX}{moving}0`)).command("HSET", `${PREFIX}{moving}hash`, "field", "value");
    let lists = 0;
    const check = async (): Promise<void> => {
      const found = await Promise.all(backends.map((backend) => backend.list()));
      lists += found.length;
      for (const list of found) expect(list.sort()).toEqual(ids);
    };
    for (let round = 0; round < 6; round++) {
      const source = await cluster.masterOf(`${PREFIX}{moving}0`);
      const target = (await cluster.masters()).find((server) => server !== source);
      if (target === undefined) throw new Error("There are three masters.");
      await check();
      const meanwhile: Promise<void>[] = [];
      // Both while the slot rests halfway, and while it moves.
      await cluster.moveSlot(slot, target, async (progress) => {
        if (round < 2) await check();
        else if (progress === "begun") meanwhile.push(check());
      });
      await Promise.all(meanwhile);
      await check();
    }
    expect(lists).toBeGreaterThan(40);
    ioredis.disconnect();
    nodeRedis.destroy();
  });

  it("if the first slot of a new master is moving to it, or the listing fails", async () => {
    await using cluster = await startCluster();
    await using newcomer = await startRedis({
      args: (port) => ["--cluster-enabled", "yes", "--cluster-port", String(port + 8_000)],
    });
    await using backend = new RedisBackend<Note>({ cluster: nodesOf(cluster), prefix: PREFIX, timeoutMs: 20_000 });
    const ids = await fill(cluster, backend, 20, 30);
    const key = `${PREFIX}{moving}0`;
    const source = await cluster.masterOf(key);
    const slot = String(await cluster.slotOf(key));
    const [sourceId, newId] = await Promise.all([
      source.command("CLUSTER", "MYID"),
      newcomer.command("CLUSTER", "MYID"),
    ]);
    await newcomer.command("CLUSTER", "MEET", source.host, String(source.port), String(source.port + 8_000));
    for (const server of [...cluster.servers, newcomer]) {
      while (!String(await server.command("CLUSTER", "INFO")).includes("cluster_known_nodes:4"));
    }
    while (!String(await newcomer.command("CLUSTER", "NODES")).includes(`${source.port + 8_000} master`));
    while (!String(await newcomer.command("CLUSTER", "INFO")).includes("cluster_state:ok"));
    await newcomer.command("CLUSTER", "SETSLOT", slot, "IMPORTING", String(sourceId));
    await source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", String(newId));
    for (let n = 0; n < 10; n++) {
      await source.command("MIGRATE", newcomer.host, String(newcomer.port), `${PREFIX}{moving}${n}`, "0", "5000");
    }
    await backend.append("{moving}new", notes(0, 1));
    expect((await backend.list()).sort()).toEqual([...ids, "{moving}new"].sort());
    // An existing client does not know a node without slots yet.
    const client = createCluster({ rootNodes: cluster.nodes.map((socket) => ({ socket })) }).on(
      "error",
      () => undefined,
    );
    await client.connect();
    const given = RedisBackend.fromClient<Note>(client, { prefix: PREFIX });
    expect(await rejectionOf(given.list())).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("a slot is moving"),
    });
    client.destroy();
  });

  it.each(["all of its keys", "half of its keys"])(
    "where a slot goes from a master not yet scanned to one that was: %s",
    async (much) => {
      await using cluster = await startCluster();
      const slot = await cluster.slotOf(`${PREFIX}{moving}0`);
      const source = await cluster.masterOf(`${PREFIX}{moving}0`);
      const target = (await cluster.masters()).find((server) => server !== source);
      if (target === undefined) throw new Error("There are three masters.");
      const listed = Promise.withResolvers<void>();
      const halfway = Promise.withResolvers<void>();
      let moving: Promise<void> | undefined;
      const move = (): Promise<void> =>
        cluster.moveSlot(slot, target, async (progress) => {
          if (progress === "begun") return;
          halfway.resolve();
          if (much === "half of its keys") await listed.promise;
        });
      const inner = pooledCommands(topologyOf({ cluster: nodesOf(cluster) }), 20_000);
      const commands: RedisCommands = {
        failsOver: true,
        send: (some, options) => inner.send(some, options),
        serverOf: (key) => inner.serverOf?.(key),
        close: () => inner.close(),
        async masters(options) {
          const all = (await inner.masters?.(options)) ?? [];
          const first = all.filter(({ name }) => name === target.addr);
          return [...first, ...all.filter((one) => !first.includes(one))].map(({ name, commands: server }) => ({
            name,
            commands: {
              async send(some, within) {
                const replies = await server.send(some, within);
                if (name === target.addr && some[0]?.[0] === "SCAN" && moving === undefined) {
                  moving = move();
                  await (much === "half of its keys" ? halfway.promise : moving);
                }
                return replies;
              },
            },
          }));
        },
      };
      await using backend = backendOver<Note>(commands, { prefix: PREFIX, timeoutMs: 20_000 });
      const ids = await fill(cluster, backend, 200, 100);
      const found = await backend.list();
      listed.resolve();
      await moving;
      expect(moving).toBeDefined();
      expect(found.sort()).toEqual(ids);
    },
  );

  it("or fails, while a master is replaced", async () => {
    await using cluster = await startCluster({ replicas: 1 });
    await using set = await startSentinels();
    const sentinel = { name: set.name, nodes: set.sentinels.map(({ host, port }) => `${host}:${port}`) };
    const options = { prefix: PREFIX, timeoutMs: 1_000 };
    await using onCluster = new RedisBackend<Note>({
      ...options,
      cluster: nodesOf(cluster),
      durability: { replicas: 1 },
    });
    await using onSentinels = new RedisBackend<Note>({ ...options, sentinel, durability: { replicas: 2 } });
    const ids = Array.from({ length: 100 }, (_, n) => `m${n}`).sort();
    for (const backend of [onCluster, onSentinels]) {
      await Promise.all(
        ids.map((memoryId, n) => persistently(() => backend.append(memoryId, notes(n, 1), { operationId: `o${n}` }))),
      );
    }
    const masters = [await cluster.masterOf(`${PREFIX}m0`), await set.master()] as const;
    const outcomes = { complete: 0, refused: 0 };
    let isOver = false;
    const replaced = Promise.all([masters[0].kill(), masters[1].kill()])
      .then(() => Promise.all([cluster.awaitFailover(masters[0]), set.awaitFailover(masters[1])]))
      .finally(() => {
        isOver = true;
      });
    const lists = [onCluster, onSentinels].map(async (backend) => {
      do await once(backend);
      while (!isOver);
    });
    await Promise.all([replaced, ...lists]);
    async function once(backend: RedisBackend<Note>): Promise<void> {
      try {
        expect((await backend.list()).sort()).toEqual(ids);
        outcomes.complete += 1;
      } catch (error) {
        if (!MemoryError.is(error, "UNAVAILABLE")) throw error;
        outcomes.refused += 1;
      }
    }
    process.stdout.write(`lists during failovers: ${JSON.stringify(outcomes)}\n`);
    for (const backend of [onCluster, onSentinels]) {
      expect((await persistently(() => backend.list())).sort()).toEqual(ids);
    }
  });

  it("among other keys, with special characters of patterns in the prefix, by every client", async () => {
    await using cluster = await startCluster();
    const prefix = "a*[b-d]?\\{^$}:";
    await using own = new RedisBackend<Note>({ cluster: nodesOf(cluster), prefix, timeoutMs: 20_000 });
    const ids = Array.from({ length: 3_000 }, (_, n) => (n % 3 === 0 ? `\\*?[x]${n}` : `x${n}`));
    const others = ["abc", "a*b?\\{^$}:", "a*[b-d]x\\{^$}:", "A*[b-d]?\\{^$}:", "other:"];
    await Promise.all(ids.map((memoryId, n) => own.append(memoryId, notes(n, 1))));
    for (let n = 0; n < 600; n++) {
      const key = `${others[n % others.length]}x${n}`;
      await masterByKey(cluster, key).command("SET", key, "not ours");
    }
    const ioredis = new Cluster([...cluster.nodes]);
    const nodeRedis = createCluster({ rootNodes: cluster.nodes.map((socket) => ({ socket })) });
    nodeRedis.on("error", () => undefined);
    await nodeRedis.connect();
    for (const backend of [
      own,
      RedisBackend.fromClient<Note>(ioredis, { prefix, timeoutMs: 20_000 }),
      RedisBackend.fromClient<Note>(nodeRedis, { prefix, timeoutMs: 20_000 }),
    ]) {
      expect((await backend.list()).sort()).toEqual([...ids].sort());
      const some = ids.filter((memoryId) => memoryId.startsWith("\\*?["));
      expect((await backend.list({ prefix: "\\*?[" })).sort()).toEqual(some.sort());
      expect(await backend.list({ prefix: "?" })).toEqual([]);
    }
    ioredis.disconnect();
    nodeRedis.destroy();
  });

  it("and if it is aborted, it ends and sends nothing more", async () => {
    await using cluster = await startCluster();
    await using proxies = await startProxies(cluster.servers);
    const addressMap = Object.fromEntries(
      Object.entries(proxies.addressMap).map(([from, { host, port }]) => [from, `${host}:${port}`]),
    );
    await using backend = new RedisBackend<Note>({ cluster: nodesOf(cluster), addressMap, prefix: PREFIX });
    await fill(cluster, backend, 0, 50);
    const reason = new Error("enough");
    const controller = new AbortController();
    const sent: string[] = [];
    proxies.rule = ([name = ""]) => {
      sent.push(name);
      if (name === "SCAN") controller.abort(reason);
      return "pass";
    };
    expect(await rejectionOf(backend.list({ signal: controller.signal }))).toBe(reason);
    // On each connection, the PING is answered after all earlier commands.
    await backend.ping();
    expect(sent.filter((name) => name === "SCAN")).toHaveLength(1);
    expect(new Set(sent.slice(sent.indexOf("SCAN") + 1))).toEqual(new Set(["CLUSTER", "PING"]));
    proxies.rule = () => "pass";
    expect(await backend.list()).toHaveLength(50);
  });
});

async function persistently<R>(call: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!MemoryError.is(error) || !error.retryable || tries === 50) throw error;
    }
  }
}
