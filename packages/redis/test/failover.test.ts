import { setTimeout as pause } from "node:timers/promises";
import type { Message } from "@deep-agent/core";
import {
  type RedisServer,
  type SentinelSet,
  startCluster,
  startSentinels,
  type TestCluster,
} from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { type Durability, RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { type Ledger, ledgerOf, persistently, say, sumOf, Writer } from "./support/ledger.ts";

/*
 * Masters are killed, cut off and frozen while four writers use them. A turn that a replica has acknowledged is there
 * afterwards. A turn that only the master has acknowledged may be lost, and then a writer learns about it.
 */
const WRITERS = 4;

/** The least number of turns in a scenario. Half of them come before something happens. */
const TURNS = 700;

/** How long a master goes on without its replicas if it acknowledges nothing, in ms. */
const CUT_OFF = 600;

/** Resolves when `more` further turns are acknowledged. */
type Written = (more: number) => Promise<void>;

interface Scenario {
  what: string;
  /** Makes it happen. Resolves when there is a master again. */
  happens(set: SentinelSet, master: RedisServer, written: Written): Promise<unknown>;
  /** Whether the master acknowledges turns that no other server can have. */
  loses: boolean;
}

const scenarios: readonly Scenario[] = [
  {
    what: "the master is killed",
    async happens(set, master) {
      await master.kill();
      await set.awaitFailover(master);
    },
    loses: false,
  },
  {
    what: "the replicas are frozen and cut off, and the master is killed",
    async happens(set, master, written) {
      const replicas = set.servers.filter((server) => server !== master);
      await Promise.all(replicas.map((replica) => replica.freeze()));
      // Otherwise, data that was already sent to the replicas would still arrive when they are thawed.
      await master.command("CLIENT", "KILL", "TYPE", "replica");
      await Promise.race([written(50), pause(CUT_OFF)]);
      await master.kill();
      await Promise.all(replicas.map((replica) => replica.thaw()));
      await set.awaitFailover(master);
    },
    loses: true,
  },
  {
    what: "the master is frozen, is replaced, and goes on",
    async happens(set, master) {
      await master.freeze();
      await set.awaitFailover(master);
      await master.thaw();
    },
    loses: false,
  },
];

const durabilities: [when: string, durability: Durability][] = [
  ["one replica has it", { replicas: 1, timeoutMs: 500 }],
  ["the master has it", "memory"],
];

describe.each(durabilities)("with sentinels, acknowledged when %s", (when, durability) => {
  it.each(scenarios)("$what", async ({ what, happens, loses }) => {
    await using set = await startSentinels();
    const sentinel = { name: set.name, nodes: set.sentinels.map(({ host, port }) => `${host}:${port}`) };
    const master = await set.master();
    const replicas = set.servers.length - 1;
    const ledger = await underLoad({ sentinel, durability }, replicas, ["m"], (written) =>
      happens(set, master, written),
    );
    say(`sentinels, ${what}, acknowledged when ${when}`, ledger);
    expect(ledger).toMatchObject(promised(durability));
    expect(ledger.lost > 0 || !loses || durability !== "memory").toBe(true);
  });
});

describe.each(durabilities)("on a cluster, acknowledged when %s", (when, durability) => {
  const ids = ["a", "b", "c", "d"];
  const key = (memoryId: string): string => `deep-agent:memories:${memoryId}`;

  it("one master is killed", async () => {
    await using cluster = await startCluster({ replicas: 1 });
    expect(new Set(await Promise.all(ids.map((id) => cluster.masterOf(key(id))))).size).toBe(3);
    const ledger = await underLoad({ cluster: nodesOf(cluster), durability }, 1, ids, async () => {
      const master = await cluster.masterOf(key("a"));
      await master.kill();
      await cluster.awaitFailover(master);
      // It becomes the only replica of the new master.
      await master.start();
    });
    say(`cluster, one master is killed, acknowledged when ${when}`, ledger);
    expect(ledger).toMatchObject(promised(durability));
  });

  it("a slot is moved back and forth", async () => {
    await using cluster = await startCluster({ replicas: 1 });
    const ledger = await underLoad({ cluster: nodesOf(cluster), durability }, 1, ["a"], async (written) => {
      const slot = await cluster.slotOf(key("a"));
      for (let round = 0; round < 4; round++) {
        const source = await cluster.masterOf(key("a"));
        const target = (await cluster.masters()).find((server) => server !== source);
        if (target === undefined) throw new Error("There are three masters.");
        // The writes while the slot moves are what this test is about.
        await cluster.moveSlot(slot, target, () => written(20));
        await written(20);
      }
    });
    say(`cluster, a slot is moved to and fro, acknowledged when ${when}`, ledger);
    expect(ledger).toMatchObject({ ...unbroken, lost: 0 });
  });
});

const unbroken = { duplicated: 0, torn: 0, misplaced: 0, lostSilently: 0 };

function promised(durability: Durability): Partial<Ledger> {
  return durability === "memory" ? unbroken : { ...unbroken, lost: 0 };
}

/**
 * Runs four writers, each on all memories in turn, while `happens` runs. Before that, all `replicas` have the first
 * turn of each memory: a memory that is lost from its beginning looks as if it had been deleted, which is not
 * reported.
 */
async function underLoad(
  options: RedisBackendOptions,
  replicas: number,
  memoryIds: readonly string[],
  happens: (written: Written) => Promise<unknown>,
): Promise<Ledger> {
  const founding = { ...options, durability: { replicas, timeoutMs: 5_000 }, timeoutMs: 10_000 };
  await using founder = new RedisBackend<Message>(founding);
  const founders = memoryIds.map((memoryId) => new Writer("w", memoryId, founder));
  for (const writer of founders) await writer.write();
  const backends = Array.from({ length: WRITERS }, () => new RedisBackend<Message>({ ...options, timeoutMs: 10_000 }));
  const writers = backends.map((backend, number) =>
    memoryIds.map((memoryId) => new Writer(`w${number}`, memoryId, backend)),
  );
  const acknowledged = (): number => writers.flat().reduce((sum, writer) => sum + writer.acknowledged.length, 0);
  let waiting: { until: number; resolve: () => void }[] = [];
  const written: Written = (more) => new Promise((resolve) => waiting.push({ until: acknowledged() + more, resolve }));
  let isOver = false;
  const write = async (own: readonly Writer[]): Promise<void> => {
    for (let turn = 0; !isOver || acknowledged() < TURNS; turn++) {
      await own[turn % own.length]?.write();
      const now = acknowledged();
      for (const { until, resolve } of waiting) if (until <= now) resolve();
      waiting = waiting.filter(({ until }) => until > now);
    }
  };
  try {
    const half = written(TURNS / 2);
    const writing = Promise.all(writers.map(write));
    await Promise.race([half, writing]);
    await Promise.race([happens(written), writing]);
    isOver = true;
    await writing;
    // Each writer reads each memory once more.
    for (const writer of writers.flat()) await writer.sync();
    const [reader] = backends;
    const ledgers = memoryIds.map(async (memoryId) => {
      const messages = (await persistently(async () => reader?.load(memoryId))) ?? [];
      return ledgerOf(
        [...founders, ...writers.flat()].filter((writer) => writer.memoryId === memoryId),
        messages,
      );
    });
    return sumOf(await Promise.all(ledgers));
  } finally {
    await Promise.all(backends.map((backend) => backend.close()));
  }
}

function nodesOf(cluster: TestCluster): string[] {
  return cluster.nodes.map(({ host, port }) => `${host}:${port}`);
}
