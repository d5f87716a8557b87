import { MemoryError } from "@deep-agent/core";
import { startCluster, startSentinels, type TestCluster } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { createCluster } from "@redis/client";
import { Cluster } from "ioredis";
import { RedisBackend, type RedisCommands } from "../src/index.ts";
import { ownCommands } from "../src/own-commands.ts";
import { doubtfulSlots, readSlots } from "../src/slots.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";

const PREFIX = "mine[*]:";

/** Memories in one slot, and so many in others. */
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

function nodesOf(cluster: TestCluster): string[] {
  return cluster.nodes.map(({ host, port }) => `${host}:${port}`);
}

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
      // At rest in the middle of it, and while it goes on.
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
      const inner = ownCommands({ cluster: nodesOf(cluster) }, 20_000);
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
      await using backend = RedisBackend.fromCommands<Note>(commands, { prefix: PREFIX, timeoutMs: 20_000 });
      const ids = await fill(cluster, backend, 200, 100);
      const found = await backend.list();
      listed.resolve();
      await moving;
      expect(moving).toBeDefined();
      expect(found.sort()).toEqual(ids);
    },
  );

  it("or none, while a master is replaced", async () => {
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
    const replaced = Promise.all([masters[0].kill(), masters[1].kill()])
      .then(() => Promise.all([cluster.awaitFailover(masters[0]), set.awaitFailover(masters[1])]))
      .then(() => true);
    const outcomes = { complete: 0, refused: 0 };
    for (let isOver = false; !isOver; ) {
      isOver = await Promise.race([replaced, Promise.all([onCluster, onSentinels].map(once)).then(() => false)]);
    }
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

  it("and it ends where it is aborted", async () => {
    await using cluster = await startCluster();
    await using backend = new RedisBackend<Note>({ cluster: nodesOf(cluster), prefix: PREFIX });
    await fill(cluster, backend, 0, 50);
    const reason = new Error("enough");
    const controller = new AbortController();
    const listing = backend.list({ signal: controller.signal });
    controller.abort(reason);
    expect(await rejectionOf(listing)).toBe(reason);
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

describe("slots that may have been misread", () => {
  const state = (one: string, two: string) =>
    readSlots([
      [
        "n1",
        `idA 127.0.0.1:1@2 myself,master - 0 0 1 connected ${one}\nidB 127.0.0.1:2@3 master - 0 0 2 connected 9\n`,
      ],
      ["n2", `idA 127.0.0.1:1@2 master - 0 0 1 connected\nidB 127.0.0.1:2@3 myself,master - 0 0 2 connected ${two}\n`],
    ]);

  it("are none where nothing moves", () => {
    const at = state("0-99", "100-199 300");
    expect(at.owners[99]).toBe("n1");
    expect(at.owners[300]).toBe("n2");
    expect(doubtfulSlots(at, at)).toEqual([]);
  });

  it("are those on their way at either end of it, and those that have another master", () => {
    const before = state("0-99 [7->-idB]", "100-199 [7-<-idA]");
    const after = state("0-6 8-98 [50->-idB]", "7 99-199 [50-<-idA]");
    expect(doubtfulSlots(before, after)).toEqual([
      { slot: 7, from: "n1", to: "n2" },
      { slot: 50, from: "n1", to: "n2" },
      { slot: 99, from: "n1", to: "n2" },
    ]);
  });

  it("are settled when they were read where they come from and then where they go", () => {
    const moves = [{ slot: 7, from: "n1", to: "n2" }];
    const moving = state("0-99 [7->-idB]", "100-199 [7-<-idA]");
    const moved = state("0-6 8-99", "7 100-199");
    expect(doubtfulSlots(moving, moving, moves)).toEqual([]);
    expect(doubtfulSlots(moving, moved, moves)).toEqual([]);
    // Back again: what was behind the reading may now be before it.
    const back = state("0-6 8-99 [7-<-idB]", "7 100-199 [7->-idA]");
    expect(doubtfulSlots(moving, back, moves)).toEqual([{ slot: 7, from: "n2", to: "n1" }]);
  });
});
