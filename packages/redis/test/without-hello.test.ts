import { MemoryError } from "@deep-agent/core";
import { type LossyProxy, startProxy, startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { createClient } from "@redis/client";
import { RedisBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";
import { type Place, places } from "./support/topologies.ts";

/** Commands without a key that a proxy of several servers can pass on, or answer. */
const WITHOUT_KEY = new Set(["AUTH", "PING", "SELECT", "SCAN", "QUIT"]);

/** Commands whose first argument is a key, or which name their keys, of those that the backend may use. */
const WITH_KEY = new Set(["EVAL", "EVALSHA", "GET", "LINDEX", "LLEN", "LRANGE", "MEMORY", "PTTL", "TYPE", "WAIT"]);

const UNKNOWN = "ERR unknown command";

/** Refuses what a proxy such as Envoy or twemproxy cannot send to one of several servers. */
function onlyWithKeys(also: readonly string[] = []): LossyProxy["refusal"] {
  const known = new Set([...WITHOUT_KEY, ...WITH_KEY, ...also]);
  return ([name = ""]) => (known.has(name.toUpperCase()) ? undefined : `${UNKNOWN} '${name}'`);
}

/** Every call of the contract. */
async function useAll(backend: RedisBackend<Note>): Promise<void> {
  await backend.append("a", notes(0, 2));
  await backend.append("a", notes(2, 1));
  await backend.save("b", notes(0, 3));
  expect(await backend.load("a")).toEqual(notes(0, 3));
  expect((await backend.read("b", { last: 2 }))?.records).toEqual(notes(1, 2));
  expect(await backend.info("a")).toMatchObject({ records: 3 });
  expect((await backend.list()).sort()).toEqual(["a", "b"]);
  expect((await backend.recent?.({ limit: 5 }))?.memories).toHaveLength(2);
  expect(await backend.reindex()).toEqual({ memories: 2, pruned: 0 });
  await backend.touch("a");
  await backend.delete("b");
  expect(await backend.load("b")).toBeNull();
  expect((await backend.ping()).latencyMs).toBeGreaterThan(0);
}

describe("with `protocol: 2`, servers and proxies that do not know HELLO are used", () => {
  it("one that knows only commands with keys", async () => {
    const rights = ["--requirepass", "right", "--user", "agent", "on", ">secret", "~*", "+@all"];
    await using server = await startRedis({ args: rights, password: "right" });
    await using proxy = await startProxy(server);
    proxy.refusal = onlyWithKeys();
    const options = { addr: proxy.addr, protocol: 2, db: 1 } as const;
    for (const access of [{ password: "right" }, { username: "agent", password: async () => "secret" }]) {
      await using backend = new RedisBackend<Note>({ ...options, ...access });
      await useAll(backend);
      await backend.delete("a");
    }
    await using byUrl = new RedisBackend<Note>(`redis://agent:secret@${proxy.addr}/1?protocol=2`);
    await useAll(byUrl);
    const seen = Object.keys(proxy.counts.commands);
    expect(seen.filter((name) => !WITHOUT_KEY.has(name) && !WITH_KEY.has(name))).toEqual([]);
    expect(seen).toEqual(expect.arrayContaining(["AUTH", "SELECT", "EVALSHA"]));
  });

  it("and the clock is the server's, not the proxy's", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    // Some proxies answer TIME by their own clock.
    proxy.refusal = ([name]) => (name === "TIME" ? "ERR this clock is wrong" : undefined);
    await using backend = new RedisBackend<Note>({ addr: proxy.addr, protocol: 2 });
    await backend.append("a", notes(0, 1));
    expect(proxy.counts.commands["TIME"]).toBeUndefined();
  });

  it("and with an existing client that sends no HELLO either", async () => {
    await using server = await startRedis();
    await using proxy = await startProxy(server);
    proxy.refusal = onlyWithKeys();
    const client = createClient({ url: `redis://${proxy.addr}`, RESP: 2, disableClientInfo: true });
    await client.on("error", () => undefined).connect();
    await useAll(RedisBackend.fromClient<Note>(client));
    client.destroy();
    expect(proxy.counts.commands).toMatchObject({ TIME: 1, EVALSHA: expect.any(Number) });
  });

  it.each<[keyof typeof places, (place: Place) => ConstructorParameters<typeof RedisBackend>[0] & object]>([
    [
      "sentinels",
      ({ name, nodes }) => ({ sentinel: { name, nodes: nodes.map(({ host, port }) => `${host}:${port}`) } }),
    ],
    ["cluster", ({ nodes }) => ({ cluster: nodes.map(({ host, port }) => `${host}:${port}`), index: true })],
  ])("by the servers of a %s", async (kind, optionsFor) => {
    await using place = await places[kind]();
    const { addressMap, proxies } = place.proxies;
    const ofTopology = ["ROLE", "CLUSTER", "ASKING", "READONLY"];
    for (const proxy of proxies) proxy.refusal = onlyWithKeys(ofTopology);
    const names = Object.entries(addressMap).map(([from, { host, port }]) => [from, `${host}:${port}`]);
    const options = { ...optionsFor(place), addressMap: Object.fromEntries(names) };
    await using backend = new RedisBackend<Note>({ ...options, protocol: 2, timeoutMs: 10_000 });
    await useAll(backend);
    await using reader = new RedisBackend<Note>({ ...options, protocol: 2, reads: "replica", timeoutMs: 10_000 });
    await reader.load("a");
    expect(proxies.flatMap(({ counts }) => Object.keys(counts.commands))).not.toContain("HELLO");
  });
});

describe("without `protocol: 2`, the error names it", () => {
  const redis = useServer();

  it.each([
    ["ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'pa55-canary'"],
    ["ERR unknown command `HELLO`"],
    ["ERR unsupported command 'hello 3 AUTH default pa55-canary'"],
    ["ERR unknown command"],
    ["NOPROTO unsupported protocol version"],
    ["ERR Command not supported: HELLO"],
    ["ERR invalid request: HELLO"],
  ])("%s", async (refusal) => {
    await using proxy = await startProxy(redis.server);
    proxy.refusal = ([name]) => (name === "HELLO" ? refusal : undefined);
    const error = await rejectionOf(redis.open({ addr: proxy.addr, password: "pa55-canary" }).append("a", notes(0, 1)));
    expect(error).toMatchObject({ code: "NOT_SUPPORTED", outcome: "not-applied", retryable: false });
    expect((error as MemoryError).message).toContain("set `protocol: 2`");
    expect(`${(error as MemoryError).message} ${(error as MemoryError).cause}`).not.toContain("pa55-canary");
    expect(proxy.counts.commands).toEqual({ HELLO: 1 });
  });

  it("and if the proxy only closes the connection", async () => {
    await using proxy = await startProxy(redis.server);
    proxy.rule = ([name]) => (name === "HELLO" ? "dropRequest" : "pass");
    const error = await rejectionOf(redis.open({ addr: proxy.addr }).append("a", notes(0, 1)));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied", retryable: true });
    expect(MemoryError.is(error) && error.hint).toContain("`protocol: 2`");
    expect(proxy.counts.commands["HELLO"]).toBeLessThan(10);
  });

  it("but not if the user only lacks a right", async () => {
    await using proxy = await startProxy(redis.server);
    const refusal = "NOPERM User agent has no permissions to run the 'hello' command";
    proxy.refusal = ([name]) => (name === "HELLO" ? refusal : undefined);
    const error = await rejectionOf(redis.open({ addr: proxy.addr }).ping());
    expect(error).toMatchObject({ code: "UNAUTHORIZED", hint: expect.not.stringContaining("`protocol: 2`") });
  });
});
