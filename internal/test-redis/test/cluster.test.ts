import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createCluster } from "@redis/client";
import {
  certificates,
  type MoveProgress,
  type RedisServer,
  startCluster,
  startProxies,
  type TestCluster,
} from "../src/index.ts";
import { isRunning } from "./support/is-running.ts";

/** Keys of one slot: more than one batch. */
const keysOf = (tag: string): string[] => Array.from({ length: 250 }, (_, number) => `{${tag}}:${number}`);

async function keysIn(server: RedisServer, slot: number): Promise<number> {
  return Number(await server.command("CLUSTER", "COUNTKEYSINSLOT", String(slot)));
}

describe("a cluster", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ replicas: 1 });
  });
  afterAll(() => cluster[Symbol.asyncDispose]());

  it("has masters and their replicas, each with its own address", async () => {
    const masters = await cluster.masters();
    expect(masters).toEqual(cluster.servers.slice(0, 3));
    for (const [index, master] of masters.entries()) {
      expect(await cluster.replicaOf(master)).toEqual([cluster.servers[3 + index]]);
    }
    expect(new Set(cluster.nodes.map(({ host, port }) => `${host}:${port}`)).size).toBe(6);
  });

  it("serves a key at the server of its slot, and sends clients there from all others", async () => {
    const owners = new Set<RedisServer>();
    for (const key of ["a", "b", "c", "d", "{a}:more"]) {
      const owner = await cluster.masterOf(key);
      owners.add(owner);
      expect(await owner.command("SET", key, "1")).toBe("OK");
      const moved = `MOVED ${await cluster.slotOf(key)} ${owner.addr}`;
      for (const other of cluster.servers.filter((server) => server !== owner)) {
        await expect(other.command("GET", key)).rejects.toThrow(moved);
      }
    }
    expect(owners.size).toBe(3);
    expect(await cluster.slotOf("{a}:more")).toBe(await cluster.slotOf("a"));
  });

  it("keeps every key of a slot that is moved, and redirects clients to the keys meanwhile", async () => {
    const keys = keysOf("moving");
    const slot = await cluster.slotOf("{moving}");
    const from = await cluster.masterOf("{moving}");
    const to = cluster.servers.slice(0, 3).find((server) => server !== from) as RedisServer; // one of the two others
    for (const key of keys) await from.command("SET", key, `value of ${key}`);
    const noText = Buffer.concat([Buffer.from("{moving}"), Buffer.from([0xff, 0x00, 0x80])]);
    await from.ask(["SET", noText, "bytes"]);

    const seen: [MoveProgress, number, number][] = [];
    await cluster.moveSlot(slot, to, async (progress) => {
      seen.push([progress, await keysIn(from, slot), await keysIn(to, slot)]);
      await expect(from.command("GET", "{moving}:none")).rejects.toThrow(`ASK ${slot} ${to.addr}`);
    });
    expect(seen).toEqual([
      ["begun", 251, 0],
      ["halfway", 125, 126],
    ]);
    expect(await cluster.masterOf("{moving}")).toBe(to);
    for (const key of keys) expect(await to.command("GET", key)).toBe(`value of ${key}`);
    expect(await to.ask(["GET", noText])).toBe("bytes");
    for (const other of cluster.servers.filter((server) => server !== to)) {
      await expect(other.command("GET", "{moving}:0")).rejects.toThrow(`MOVED ${slot} ${to.addr}`);
    }
  });

  it("continues a move that was interrupted", async () => {
    const slot = await cluster.slotOf("{broken}");
    const from = await cluster.masterOf("{broken}");
    const to = cluster.servers.slice(0, 3).find((server) => server !== from) as RedisServer; // one of the two others
    for (const key of keysOf("broken")) await from.command("SET", key, "1");
    const breakOff = async (progress: MoveProgress): Promise<void> => {
      if (progress === "halfway") throw new Error("enough");
    };
    await expect(cluster.moveSlot(slot, to, breakOff)).rejects.toThrow("enough");
    expect(await cluster.masterOf("{broken}")).toBe(from);
    await cluster.moveSlot(slot, to);
    expect(await cluster.masterOf("{broken}")).toBe(to);
    expect([await keysIn(from, slot), await keysIn(to, slot)]).toEqual([0, 250]);
  });

  it("can be used through a proxy in front of each server", async () => {
    await using proxies = await startProxies(cluster.servers);
    const client = createCluster({
      rootNodes: [{ socket: { host: "127.0.0.1", port: proxies.proxies[0]?.port ?? 0 } }],
      nodeAddressMap: { ...proxies.addressMap },
    });
    await client.connect();
    const dropped: number[] = [];
    try {
      for (const key of ["a", "b", "c"]) expect(await client.set(key, "2")).toBe("OK");
      proxies.rule = ([name], server) => {
        if (name !== "GETDEL") return "pass";
        dropped.push(server);
        return "dropReply";
      };
      await expect(client.getDel("a")).rejects.toThrow();
    } finally {
      client.destroy();
    }
    const owner = await cluster.masterOf("a");
    expect(dropped[0]).toBe(cluster.servers.indexOf(owner));
    expect(await owner.command("GET", "a")).toBeNull();
    expect(proxies.proxies.slice(0, 3).map(({ counts }) => counts.commands["SET"])).toEqual([1, 1, 1]);
  });

  it("replaces a killed master by its replica, and the old master comes back as a replica", async () => {
    const master = await cluster.masterOf("a");
    const [replica] = await cluster.replicaOf(master);
    await master.command("SET", "a", "3");
    expect(await master.command("WAIT", "1", "10000")).toBe(1);
    await master.kill();
    expect(await cluster.awaitFailover(master)).toBe(replica);
    expect(await cluster.masterOf("a")).toBe(replica);
    expect(await cluster.masters()).not.toContain(master);
    expect(await replica?.command("GET", "a")).toBe("3");

    await master.start();
    await cluster.awaitReady();
    expect(await cluster.replicaOf(replica as RedisServer)).toEqual([master]);
  });

  it("is disposed of as a whole, even if some servers are frozen or dead", async () => {
    const pids = cluster.servers.map(({ pid }) => pid);
    await cluster.servers[0]?.freeze();
    await cluster.servers[1]?.kill();
    expect(await cluster.masters()).toHaveLength(3);
    await cluster[Symbol.asyncDispose]();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(cluster.servers.filter(({ directory }) => existsSync(directory))).toEqual([]);
    await expect(cluster.masters()).rejects.toThrow("answers");
  });
});

describe("a cluster with TLS and a password", () => {
  it("uses both between its servers too", async () => {
    await using made = await certificates();
    await using cluster = await startCluster({
      masters: 2,
      replicas: 1,
      password: "secret words",
      tls: { ca: made.ca, ...made.client },
      args: (port) => made.serverArgs(port, true),
    });
    const from = await cluster.masterOf("{a}");
    const to = cluster.servers.slice(0, 2).find((server) => server !== from) as RedisServer; // the other one
    await from.command("SET", "{a}", "1");
    expect(await from.command("WAIT", "1", "10000")).toBe(1);
    await cluster.moveSlot(await cluster.slotOf("{a}"), to);
    expect(await to.command("GET", "{a}")).toBe("1");
    expect(await to.command("WAIT", "1", "10000")).toBe(1);
  });
});

describe("a cluster that cannot start", () => {
  it("is refused if its servers would not reach each other", async () => {
    const server = { name: "elsewhere", sharesLoopback: false, start: () => Promise.reject(new Error("not this")) };
    await expect(startCluster({ engine: server })).rejects.toThrow(/reach each other.*elsewhere/);
  });

  it("says why, and leaves no server running", async () => {
    const ports: number[] = [];
    const args = (port: number): string[] => {
      ports.push(port);
      return ports.length === 2 ? ["--no-such-option", "1"] : [];
    };
    await expect(startCluster({ args })).rejects.toThrow(/did not start/);
    expect(ports).toHaveLength(3);
    for (const port of ports) {
      const [error] = await once(net.connect(port, "127.0.0.1"), "error");
      expect(error).toHaveProperty("code", "ECONNREFUSED");
    }
  });
});
