import { type RedisServer, startCluster, startSentinels } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";
import { CLUSTER_PERMISSIONS, PERMISSIONS, SENTINEL_PERMISSIONS } from "./support/topologies.ts";

/*
 * The further rights that a user needs with several servers, or with replicas to wait for, as docs/redis.md lists them.
 * permissions.test.ts has the rights for one server.
 */
const PREFIX = "acme:";

async function allow(servers: readonly RedisServer[], rights: string): Promise<void> {
  const keys = [`~${PREFIX}*`, `~@recent:${PREFIX}`];
  for (const server of servers) {
    await server.command("ACL", "SETUSER", "agent", "reset", "on", ">secret", ...keys, ...rights.split(" "));
  }
}

/** Everything that needs servers to be found, or waited for. */
async function all(options: RedisBackendOptions): Promise<void> {
  await using backend = new RedisBackend<Note>({
    ...options,
    ...{ username: "agent", password: "secret", prefix: PREFIX, timeoutMs: 10_000 },
  });
  for (const memoryId of ["a", "b", "c"]) {
    await backend.append(memoryId, notes(0, 2));
    expect(await backend.load(memoryId)).toEqual(notes(0, 2));
    expect((await backend.read(memoryId, { last: 1 }))?.records).toEqual(notes(0, 2));
  }
  expect((await backend.list()).sort()).toEqual(["a", "b", "c"]);
  if (backend.recent !== undefined) expect((await backend.recent({ limit: 9 })).memories).toHaveLength(3);
  for (const memoryId of ["a", "b", "c"]) await backend.delete(memoryId);
}

async function without(servers: readonly RedisServer[], rights: string, missing: string): Promise<void> {
  await allow(
    servers,
    rights
      .split(" ")
      .filter((right) => right !== missing)
      .join(" "),
  );
}

describe("a user with the least rights on the servers", () => {
  it("can do everything on a cluster, but not with one right less", async () => {
    await using cluster = await startCluster({ masters: 3 });
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    const rights = `${PERMISSIONS} ${CLUSTER_PERMISSIONS}`;
    await allow(cluster.servers, rights);
    await all({ cluster: nodes, index: true });
    for (const missing of ["+cluster|slots", "+cluster|nodes", "+evalsha", "+lrange"]) {
      await without(cluster.servers, rights, missing);
      const error = await rejectionOf(all({ cluster: nodes }));
      expect({ missing, error }).toMatchObject({ missing, error: { code: "UNAUTHORIZED", hint: expect.any(String) } });
    }
    // Rights that are needed only while slots move.
    const slot = await cluster.slotOf(`${PREFIX}m`);
    const source = await cluster.masterOf(`${PREFIX}m`);
    const target = cluster.servers.find((server) => server !== source) as RedisServer; // the cluster has three masters
    await allow(cluster.servers, rights);
    await using backend = new RedisBackend<Note>({
      cluster: nodes,
      username: "agent",
      password: "secret",
      prefix: PREFIX,
    });
    for (const memoryId of await backend.list()) await backend.delete(memoryId);
    await cluster.moveSlot(slot, target, async (progress) => {
      if (progress !== "begun") return;
      await backend.append("m", notes(0, 1));
      expect(await backend.list()).toEqual(["m"]);
      for (const missing of ["+asking", "+cluster|getkeysinslot"]) {
        await without(cluster.servers, rights, missing);
        const call = missing === "+asking" ? backend.append("m", notes(1, 1)) : backend.list();
        const error = await rejectionOf(call);
        expect({ missing, error }).toMatchObject({ missing, error: { code: "UNAUTHORIZED", outcome: "not-applied" } });
      }
      await allow(cluster.servers, rights);
    });
    expect(await backend.load("m")).toEqual(notes(0, 1));
  });

  it("can do everything with sentinels and waits for replicas, but not with one right less", async () => {
    await using set = await startSentinels();
    const rights = `${PERMISSIONS} ${SENTINEL_PERMISSIONS} +wait`;
    const options: RedisBackendOptions = {
      sentinel: { name: set.name, nodes: set.sentinels.map(({ host, port }) => `${host}:${port}`) },
      durability: { replicas: 1, timeoutMs: 5_000 },
    };
    await allow(set.servers, rights);
    await all(options);
    for (const missing of ["+role", "+wait", "+evalsha"]) {
      await without(set.servers, rights, missing);
      const error = await rejectionOf(all(options));
      // A WAIT was sent after the write.
      const outcome = missing === "+wait" ? "applied" : "not-applied";
      expect({ missing, error }).toMatchObject({ missing, error: { code: "UNAUTHORIZED", outcome } });
    }
  });

  it("sees the names of other keys, but not their content", async () => {
    await using cluster = await startCluster({ masters: 3 });
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    await using other = new RedisBackend<Note>({ cluster: nodes, prefix: "rival:" });
    await other.append("x", notes(0, 1));
    await allow(cluster.servers, `${PERMISSIONS} ${CLUSTER_PERMISSIONS}`);
    await using curious = new RedisBackend<Note>({
      cluster: nodes,
      username: "agent",
      password: "secret",
      prefix: "rival:",
    });
    expect(await curious.list()).toEqual(["x"]);
    for (const call of [
      curious.load("x"),
      curious.read("x"),
      curious.info("x"),
      curious.append("x", notes(1, 1)),
      curious.delete("x"),
    ]) {
      expect(await rejectionOf(call)).toMatchObject({ code: "UNAUTHORIZED", outcome: "not-applied" });
    }
    expect(await other.load("x")).toEqual(notes(0, 1));
  });
});
