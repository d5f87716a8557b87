import { Conversation, type Message, user } from "@deep-agent/core";
import { type RedisServer, startCluster, startSentinels } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { type Note, notes } from "./support/backends.ts";

/** How many reading commands a server ran since the last call of this function. */
async function readsOf(server: RedisServer): Promise<number> {
  const stats = String(await server.command("INFO", "commandstats"));
  await server.command("CONFIG", "RESETSTAT");
  return [...stats.matchAll(/^cmdstat_(?:lrange|evalsha|eval):calls=(\d+)/gm)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}

async function caughtUp(master: RedisServer): Promise<void> {
  for (;;) if (Number(await master.command("WAIT", "1", "1000")) >= 1) return;
}

/** Stops replication: the replicas keep answering with the data that they have, but the master refuses their login. */
async function fallBehind(replicas: readonly RedisServer[]): Promise<void> {
  for (const replica of replicas) {
    await replica.command("CONFIG", "SET", "masterauth", "wrong");
    await replica.command("CLIENT", "KILL", "TYPE", "master");
  }
}

function textsOf(messages: readonly Message[]): unknown[] {
  return messages.map(({ content }) => content);
}

async function onTopologies(
  run: (options: RedisBackendOptions, master: RedisServer, replicas: readonly RedisServer[]) => Promise<void>,
): Promise<void> {
  await using cluster = await startCluster({ replicas: 1 });
  const master = await cluster.masterOf("deep-agent:memories:a");
  const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
  await run({ cluster: nodes }, master, await cluster.replicaOf(master));
  await using set = await startSentinels({ replicas: 1 });
  const sentinels = set.sentinels.map(({ host, port }) => `${host}:${port}`);
  await run({ sentinel: { name: set.name, nodes: sentinels } }, await set.master(), await set.replicas());
}

describe("with reads from replicas", () => {
  it("a replica answers load, info and reads without a revision, or the master if the replica does not answer", async () => {
    await onTopologies(async (options, master, replicas) => {
      await using backend = new RedisBackend<Note>({ ...options, reads: "replica", timeoutMs: 8_000 });
      await backend.append("a", notes(0, 2));
      const revision = (await backend.read("a", { last: 1 }))?.revision ?? "";
      await caughtUp(master);
      for (const server of [master, ...replicas]) await readsOf(server);
      expect(await backend.load("a")).toEqual(notes(0, 2));
      expect((await backend.info("a"))?.records).toBe(2);
      expect((await backend.read("a", { last: 1 }))?.records).toEqual(notes(0, 2));
      expect(await readsOf(master)).toBe(0);
      for (const replica of replicas) expect(await readsOf(replica)).toBeGreaterThanOrEqual(3);
      expect(await backend.read("a", { since: revision })).toMatchObject({ records: [], reset: false });
      await backend.append("a", notes(2, 1));
      expect(await readsOf(master)).toBeGreaterThanOrEqual(2);
      for (const replica of replicas) await replica.freeze();
      expect(await backend.load("a")).toEqual(notes(0, 3));
      for (const replica of replicas) await replica.kill();
      expect(await backend.load("a")).toEqual(notes(0, 3));
      expect((await backend.info("a"))?.records).toBe(3);
      expect((await backend.read("a", { last: 1 }))?.records).toEqual(notes(2, 1));
    });
  });

  it("a topology with known replicas is required", () => {
    for (const options of [{}, { addr: "localhost" }, { url: "redis://localhost" }]) {
      expect(() => new RedisBackend({ ...options, reads: "replica" })).toThrow(
        expect.objectContaining({ code: "INVALID_CONFIG" }),
      );
    }
  });

  it("a conversation does not mistake a lagging replica for a loss", async () => {
    await onTopologies(async (options, master, replicas) => {
      await using backend = new RedisBackend<Message>({ ...options, reads: "replica", timeoutMs: 8_000 });
      const regressions: unknown[] = [];
      const open = (): Conversation =>
        new Conversation({ memoryId: "a", backend, onRegression: (regression) => regressions.push(regression) });
      const one = open();
      await one.sync();
      await one.commit([user("1")]);
      for (const replica of replicas) await replica.freeze();
      await one.commit([user("2")]);
      for (const replica of replicas) await replica.thaw();
      await caughtUp(master);
      expect(textsOf(await one.sync())).toEqual(["1", "2"]);

      await fallBehind(replicas);
      await one.commit([user("3")]);
      const two = open();
      expect(textsOf(await two.sync())).toEqual(["1", "2"]);
      await two.commit([user("4")]);
      const three = open();
      await three.commit([user("5")]);
      await three.sync();
      for (const conversation of [one, two, three]) {
        expect(textsOf(await conversation.sync())).toEqual(["1", "2", "3", "4", "5"]);
        // A first read is as old as the replica. Later turns come from the master.
        expect(textsOf(await conversation.reload())).toEqual(["1", "2"]);
        expect(textsOf(await conversation.sync())).toEqual(["1", "2", "3", "4", "5"]);
      }
      expect(regressions).toEqual([]);
    });
  });
});
