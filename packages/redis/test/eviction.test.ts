import { startCluster, startProxy } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { RedisBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes, useServer } from "./support/backends.ts";

const redis = useServer(["--maxmemory", "1gb"]);

/** The warnings of a backend during its first calls. */
async function warnings(policy: string, options: object = {}): Promise<string[]> {
  await redis.command("CONFIG", "SET", "maxmemory-policy", policy);
  const events = await eventsDuring(async () => {
    const backend = redis.open(options);
    // A connection answers in order: after these replies, the INFO of the first call was answered.
    for (let n = 0; n < 5; n++) await backend.append("a", notes(n, 1));
  });
  return events.flatMap((event) => (event.type === "warning" ? [event.detail] : []));
}

describe("a server that drops memories when it is full", () => {
  it.each(["volatile-lru", "allkeys-lru", "volatile-ttl"])("causes a warning: %s", async (policy) => {
    const found = await warnings(policy);
    expect(found).toEqual([expect.stringContaining(`maxmemory-policy ${policy}`)]);
  });

  it("causes no warning with noeviction, without a limit, or if the user may not run INFO", async () => {
    expect(await warnings("noeviction")).toEqual([]);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    expect(await warnings("allkeys-lru")).toEqual([]);
    await redis.command("CONFIG", "SET", "maxmemory", "1gb");
    await redis.command("ACL", "SETUSER", "blind", "on", ">secret", "~*", "+@all", "-info");
    expect(await warnings("allkeys-lru", { username: "blind", password: "secret" })).toEqual([]);
  });

  it("is found among the masters of a cluster, even if one of them refuses INFO", async () => {
    await using cluster = await startCluster({ args: ["--maxmemory", "1gb"] });
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    const [first, second, third] = cluster.servers;
    for (const server of cluster.servers) {
      await server.command(
        "ACL",
        "SETUSER",
        "agent",
        "on",
        ">secret",
        "~*",
        "+@all",
        ...(server === first ? ["-info"] : []),
      );
      await server.command("CONFIG", "SET", "maxmemory-policy", server === second ? "noeviction" : "allkeys-lru");
    }
    const events = await eventsDuring(async () => {
      await using backend = new RedisBackend<Note>({ cluster: nodes, username: "agent", password: "secret" });
      // A connection answers in order: after these replies, every master has answered INFO.
      for (let n = 0; n < 100; n++) await backend.append(`m${n}`, notes(0, 1));
    });
    expect(events.flatMap((event) => (event.type === "warning" ? [event.detail] : []))).toEqual([
      expect.stringContaining(`${third?.addr} drops keys when it is full (maxmemory-policy allkeys-lru)`),
    ]);
  });

  it("is not asked if the channel has no subscriber", async () => {
    await using proxy = await startProxy(redis.server);
    const backend = redis.open({ addr: proxy.addr });
    await backend.append("a", notes(0, 1));
    expect(proxy.counts.commands["INFO"]).toBeUndefined();
    await eventsDuring(async () => {
      await redis.open({ addr: proxy.addr }).append("a", notes(0, 1));
    });
    expect(proxy.counts.commands["INFO"]).toBe(1);
  });
});
