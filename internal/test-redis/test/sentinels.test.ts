import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createSentinel } from "@redis/client";
import { certificates, type SentinelSet, startSentinels } from "../src/index.ts";
import { isRunning } from "./support/is-running.ts";

describe("sentinels", () => {
  let set: SentinelSet;
  beforeAll(async () => {
    set = await startSentinels();
  });
  afterAll(() => set[Symbol.asyncDispose]());

  it("know the master and its replicas, and report them to clients", async () => {
    expect(await set.master()).toBe(set.servers[0]);
    expect(await set.replicas()).toEqual(set.servers.slice(1));
    const client = createSentinel({ name: set.name, sentinelRootNodes: [...set.sentinels] });
    client.on("error", () => undefined);
    await client.connect();
    try {
      await client.set("a", "1");
    } finally {
      await client.destroy();
    }
    expect(await set.servers[0]?.command("GET", "a")).toBe("1");
  });

  it("replace a killed master by a replica, and the old master comes back as a replica", async () => {
    const master = await set.master();
    await master.command("SET", "a", "2");
    expect(await master.command("WAIT", "2", "10000")).toBe(2);
    await master.kill();
    const next = await set.awaitFailover(master);
    expect(next).not.toBe(master);
    expect(await set.master()).toBe(next);
    expect(await next.command("INCR", "a")).toBe(3);

    await master.start();
    await set.awaitReady();
    // In the order in which they became replicas.
    expect(new Set(await set.replicas())).toEqual(new Set(set.servers.filter((server) => server !== next)));
    expect(await master.command("GET", "a")).toBe("3");
  });

  it("replace a frozen master by a replica, even if one sentinel is frozen too", async () => {
    const master = await set.master();
    await set.sentinelServers[0]?.freeze();
    await master.freeze();
    const next = await set.awaitFailover(master);
    expect(next).not.toBe(master);
    expect(await next.command("SET", "a", "4")).toBe("OK");

    await master.thaw();
    await set.sentinelServers[0]?.thaw();
    await set.awaitReady();
    expect(await set.master()).toBe(next);
    expect(await master.command("GET", "a")).toBe("4");
  });

  it("are disposed of with the servers, even if some are frozen or dead", async () => {
    const all = [...set.servers, ...set.sentinelServers];
    const pids = all.map(({ pid }) => pid);
    await set.servers[0]?.freeze();
    await set.sentinelServers[0]?.freeze();
    await set.sentinelServers[1]?.kill();
    expect(set.servers).toContain(await set.master());
    await set[Symbol.asyncDispose]();
    expect(pids.filter(isRunning)).toEqual([]);
    expect(all.filter(({ directory }) => existsSync(directory))).toEqual([]);
    await expect(set.master()).rejects.toThrow("answers");
  });
});

describe("sentinels with TLS and a password", () => {
  it("use both with the servers and with each other", async () => {
    await using made = await certificates();
    await using set = await startSentinels({
      password: "secret words",
      tls: { ca: made.ca, ...made.client },
      args: (port) => ["--appendonly", "yes", ...made.serverArgs(port, true)],
    });
    const master = await set.master();
    await master.command("SET", "a", "1");
    expect(await master.command("WAIT", "2", "10000")).toBe(2);
    await master.kill();
    expect(await (await set.awaitFailover(master)).command("GET", "a")).toBe("1");
  });
});

describe("sentinels that cannot start", () => {
  it("are refused if they would not reach the servers", async () => {
    const engine = { name: "elsewhere", sharesLoopback: false, start: () => Promise.reject(new Error("not this")) };
    await expect(startSentinels({ engine })).rejects.toThrow(/reach each other.*elsewhere/);
  });
});
