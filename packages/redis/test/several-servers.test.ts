import { openBackend } from "@deep-agent/core";
import { certificates, type RedisServer, startCluster, startSentinels } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import * as adapter from "../src/index.ts";
import { RedisBackend, type RedisBackendOptions, type RedisMemoryOptions } from "../src/index.ts";
import { topologyOf } from "../src/options/topology.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";
import { type Place, places, topologies } from "./support/topologies.ts";

const goValue = '[{"Role":"user","Content":"hi","ToolCalls":null,"ToolCallID":""}]';

async function works(backend: RedisBackend<Note>): Promise<void> {
  await using one = backend;
  const memoryId = `a-${Math.random()}`;
  await one.append(memoryId, notes(0, 1));
  expect(await one.load(memoryId)).toEqual(notes(0, 1));
  expect(await one.list()).toContain(memoryId);
}

function hosts(nodes: readonly { host: string; port: number }[]): string[] {
  return nodes.map(({ host, port }) => `${host}:${port}`);
}

/** Lets a user do everything, and nobody else anything. */
async function admit(servers: readonly RedisServer[]): Promise<void> {
  for (const server of servers)
    await server.command("ACL", "SETUSER", "agent", "reset", "on", ">s3cret", "~*", "&*", "+@all");
}

describe("where the servers are, and who may use them, is told by options, a URL or fluently", () => {
  it("a cluster, with TLS and a user", async () => {
    await using keys = await certificates();
    const tls = { ca: keys.ca, ...keys.client };
    await using cluster = await startCluster({ tls, args: (port) => keys.serverArgs(port, true), password: "admin" });
    await admit(cluster.servers);
    const nodes = hosts(cluster.nodes).slice(0, 2);
    await works(new RedisBackend<Note>({ cluster: nodes, tls, username: "agent", password: "s3cret" }));
    await works(new RedisBackend<Note>({ cluster: nodes }).withTLS(tls).withUsername("agent").withPassword("s3cret"));
    const url = `rediss://agent:s3cret@${nodes.join(",")}?ttl=1h`;
    await works(new RedisBackend<Note>({ url, tls }));
    await works(new RedisBackend<Note>({ url: `rediss://agent:s3cret@${nodes[0]}?cluster=true`, tls }));
    const wrong = new RedisBackend<Note>({ cluster: nodes, tls, username: "agent", password: "wr0ng-canary" });
    const error = await rejectionOf(wrong.load("a"));
    expect(error).toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringContaining(String(nodes[0]).slice(0, 9)),
    });
    expect(String(error)).not.toContain("canary");
    await wrong.close();
    const untrusting = new RedisBackend<Note>({ cluster: nodes, tls: true, timeoutMs: 1_000 });
    expect(await rejectionOf(untrusting.load("a"))).toMatchObject({
      code: "UNAVAILABLE",
      hint: expect.stringContaining("tls"),
    });
    await untrusting.close();
  });

  it("sentinels, with TLS and a user", async () => {
    await using keys = await certificates();
    const tls = { ca: keys.ca, ...keys.client };
    await using set = await startSentinels({ tls, args: (port) => keys.serverArgs(port, true), password: "admin" });
    await admit(set.servers);
    const nodes = hosts(set.sentinels);
    const sentinel = { name: set.name, nodes };
    await works(new RedisBackend<Note>({ sentinel, tls, username: "agent", password: "s3cret" }));
    await works(new RedisBackend<Note>({ sentinel }).withTLS(tls).withUsername("agent").withPassword("s3cret"));
    await works(
      new RedisBackend<Note>({ url: `rediss://agent:s3cret@${nodes.join(",")}/0?sentinel=${set.name}`, tls }),
    );
    const stranger = new RedisBackend<Note>({ sentinel: { ...sentinel, name: "nobody" }, tls, timeoutMs: 1_000 });
    expect(await rejectionOf(stranger.load("a"))).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining('it knows no master "nobody"'),
    });
    await stranger.close();
  });

  it("also by openBackend", async () => {
    await using cluster = await startCluster();
    const url = `redis://${hosts(cluster.nodes).join(",")}?prefix=url:`;
    const backend = await openBackend(url, { load: async () => adapter });
    await works(backend as RedisBackend<object> as RedisBackend<Note>);
    expect((await cluster.masters()).length).toBe(3);
  });

  it.each<[RedisBackendOptions, RegExp]>([
    [{ cluster: [] }, /`cluster` must be a list/],
    [{ cluster: ["a b"] }, /address/],
    [{ cluster: ["a"], addr: "b" }, /`addr` and `cluster` are both given/],
    [{ cluster: ["a"], sentinel: { name: "m", nodes: ["b"] } }, /`cluster` and `sentinel` are both given/],
    [{ cluster: ["a"], db: 1 }, /`db` must be 0/],
    [{ url: "redis://a,b/1" }, /`db` must be 0/],
    [{ url: "redis://a,b c/" }, /address|URL/],
    [{ url: "redis://a?cluster=perhaps" }, /`cluster` must be true or false/],
    [{ sentinel: { name: "", nodes: ["b"] } }, /`sentinel` must be/],
    [{ sentinel: { name: "m", nodes: [] } }, /`sentinel.nodes` must be/],
    [{ url: "redis://a:1,?ttl=1h" }, /without a host/],
    [{ url: "redis://,a:1" }, /without a host/],
    [{ cluster: ["a", ""] }, /without a host/],
    [{ url: "redis://a,b?cluster=false" }, /Several hosts/],
    [{ url: "redis://a?cluster=true&sentinel=m" }, /both given/],
    [{ url: "redis://a:0" }, /port/],
    [{ sentinel: { name: "m", nodes: ["b"], tsl: true } as never }, /`sentinel` has no "tsl"/],
    [{ reads: "replica" }, /no replica is known/],
    [{ url: "redis://a?reads=replica" }, /no replica is known/],
    [{ reads: "any" as "master" }, /`reads` must be/],
    [{ addressMap: "a" as never, cluster: ["b"] }, /`addressMap` must be/],
    [{ durability: { replicas: 0 } }, /durability.replicas/],
    [{ durability: "disk" as never }, /`durability` must be/],
    [{ durability: { replicas: 1, timeout: 5 } as never }, /has no "timeout"/],
  ])("and %j is refused", (options, message) => {
    expect(() => new RedisBackend(options)).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringMatching(message) }),
    );
  });
});

describe("options that depend on each other", () => {
  it("may stand in any order", async () => {
    await using one = new RedisBackend({ reads: "replica", timeoutMs: 50, cluster: ["127.0.0.1:1"] });
    expect(await rejectionOf(one.load("a"))).toMatchObject({ code: "UNAVAILABLE" });
    const withoutReplicas = (): unknown => new RedisBackend({ reads: "replica" });
    expect(withoutReplicas).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("say where addresses lead, whichever way those are written", () => {
    const options = { cluster: ["[::1]:7000"], addressMap: { "[::1]:7000": "localhost:7001", "::2": "x" } };
    expect(() => new RedisBackend(options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    const { "::2": _none, ...addressMap } = options.addressMap;
    const settings = topologyOf({ ...options, addressMap }).settingsAt({ host: "::1", port: 7000 });
    expect(settings).toMatchObject({ host: "localhost", port: 7001 });
  });
});

describe("what servers of a cluster say meanwhile", () => {
  it("is waited for: CLUSTERDOWN, LOADING, and a script that was forgotten", async () => {
    await using place = await places.cluster();
    for (const { name, open } of topologies.filter(({ on }) => on === "cluster")) {
      const { backend, close } = await open(place);
      const one = backend<Note>({ prefix: `${name}:`, timeoutMs: 20_000 });
      await one.append("a", notes(0, 1));
      await Promise.all(place.servers.map((server) => server.command("SCRIPT", "FLUSH")));
      await one.append("a", notes(1, 1));
      const [first] = place.servers;
      // A cluster that has lost a slot serves nothing, if so told.
      await Promise.all(
        place.servers.map((server) => server.command("CONFIG", "SET", "cluster-require-full-coverage", "yes")),
      );
      const slot = String(await place.command("x", "CLUSTER", "KEYSLOT", `${name}:elsewhere`));
      const owner = place.servers.find((server) => server !== first) ?? first;
      await Promise.all(
        place.servers.map((server) => server.command("CLUSTER", "DELSLOTS", slot).catch(() => undefined)),
      );
      const appended = one.append("a", notes(2, 1));
      const settled = appended.then(
        () => "settled",
        () => "settled",
      );
      expect(await Promise.race([settled, owner?.command("PING")])).toBe("PONG");
      await giveBack(place, slot);
      await appended;
      expect(await one.load("a")).toEqual(notes(0, 3));
      await one.close();
      await close();
    }
  });
});

/** To the server that had it: the cluster's other nodes still think so. */
async function giveBack(place: Place, slot: string): Promise<void> {
  const tens = Math.floor((Number(slot) * place.servers.length) / 16_384);
  const owner = place.servers[tens];
  await owner?.command("CLUSTER", "ADDSLOTS", slot);
  await Promise.all(
    place.servers.map((server) => server.command("CONFIG", "SET", "cluster-require-full-coverage", "no")),
  );
}

describe("what go-deep-agent has kept is read and converted", () => {
  it.each([...new Set(topologies.map(({ on }) => on))].filter((on) => on !== "tls"))(
    "on %s, by every client",
    async (on) => {
      await using place = await places[on]();
      for (const { name, open } of topologies.filter((one) => one.on === on)) {
        const { backend, close } = await open(place);
        const options: RedisMemoryOptions = { prefix: `go ${name}:`, timeoutMs: 20_000 };
        const key = `${options.prefix}a`;
        await place.command(key, "SET", key, goValue);
        const one = backend<{ role: string }>(options);
        expect(await one.load("a")).toMatchObject([{ role: "user", content: "hi" }]);
        expect(await place.command(key, "TYPE", key)).toBe("string");
        await one.append("a", [{ role: "assistant" }]);
        expect(await place.command(key, "TYPE", key)).toBe("list");
        expect(await one.load("a")).toMatchObject([{ role: "user", content: "hi" }, { role: "assistant" }]);
        await one.close();
        await close();
      }
    },
  );
});
