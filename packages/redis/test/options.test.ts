import { openBackend } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import * as adapter from "../src/index.ts";
import { RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { parseAddress } from "../src/options/address.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";
import { backendOver } from "./support/over-commands.ts";

const redis = useServer(["--databases", "16"]);

/** The effect of the options, as the server sees it. */
async function effect(backend: RedisBackend<Note>): Promise<Record<string, unknown>> {
  await redis.command("FLUSHALL");
  await redis.command("ACL", "SETUSER", "writer", "on", ">secret", "~*", "+@all");
  const earlier = new Set(await clients());
  await backend.append("a", notes(0, 2));
  await backend.append("a", notes(2, 2));
  const own = (await clients()).filter((client) => !earlier.has(client));
  const databases = String(await redis.command("INFO", "keyspace")).match(/db(\d+)/g);
  const info = await backend.info("a");
  // Enough calls at the same time to open every connection of the pool.
  for (let round = 0; round < 30; round++) await Promise.all(Array.from({ length: 12 }, () => backend.ping()));
  const connections = (await clients()).filter((client) => !earlier.has(client)).length;
  const ids = await backend.list();
  await backend.close();
  return {
    databases,
    users: [...new Set(own.map((client) => /user=(\S+)/.exec(client)?.[1]))],
    protocols: [...new Set(own.map((client) => /resp=(\S+)/.exec(client)?.[1]))],
    connections,
    records: info?.records,
    expires: info?.expiresAt == null ? null : Math.round((info.expiresAt - info.updatedAt) / 60_000),
    catalogue: backend.recent !== undefined,
    ids,
  };
}

async function clients(): Promise<string[]> {
  const all = String(await redis.command("CLIENT", "LIST")).split("\n");
  return all
    .filter((line) => line !== "" && !line.includes("cmd=client"))
    .map((line) => line.replace(/ age=.*? (?=user=)/, " ").replace(/ tot-\S+/g, ""));
}

type Row = [
  keyof RedisBackendOptions,
  RedisBackendOptions,
  ((backend: RedisBackend<Note>) => RedisBackend<Note>) | null,
  string | null,
];

/** Every option: in an object, by its method if it has one, and in a URL if possible. */
const rows: Row[] = [
  [
    "username",
    { username: "writer", password: "secret" },
    (one) => one.withUsername("writer").withPassword("secret"),
    "writer:secret@ADDR",
  ],
  ["password", { password: "any" }, (one) => one.withPassword("any"), ":any@ADDR"],
  ["password", { password: async () => "any" }, (one) => one.withPassword(() => "any"), ":any@ADDR"],
  ["db", { db: 3 }, (one) => one.withDB(3), "ADDR/3"],
  ["ttl", { ttl: "24h" }, (one) => one.withTTL("24h"), "ADDR?ttl=24h"],
  ["ttl", { ttl: 3_600_000 }, (one) => one.withTTL(3_600_000), "ADDR?ttl=1h"],
  ["ttl", { ttl: 0 }, (one) => one.withTTL(0), "ADDR?ttl=0"],
  ["ttl", { ttl: null }, (one) => one.withTTL(null), null],
  ["prefix", { prefix: "app[1]:" }, (one) => one.withPrefix("app[1]:"), "ADDR?prefix=app[1]:"],
  ["prefix", { prefix: "" }, (one) => one.withPrefix(""), "ADDR?prefix="],
  ["poolSize", { poolSize: 2 }, (one) => one.withPoolSize(2), "ADDR?poolSize=2"],
  ["idleTimeoutMs", { idleTimeoutMs: 20_000 }, null, "ADDR?idleTimeoutMs=20000"],
  ["idleTimeoutMs", { idleTimeoutMs: null }, null, "ADDR?idleTimeoutMs=0"],
  ["protocol", { protocol: 2 }, null, "ADDR?protocol=2"],
  ["family", { family: 4 }, null, "ADDR?family=4"],
  ["family", { family: 0 }, null, "ADDR?family=0"],
  ["timeoutMs", { timeoutMs: 3_000 }, null, "ADDR?timeoutMs=3000"],
  ["index", { index: false }, null, "ADDR?index=false"],
  ["maxRecords", { maxRecords: 2 }, null, "ADDR?maxRecords=2"],
  ["tls", { tls: false }, (one) => one.withTLS(false), "ADDR"],
];

describe("an option means the same in an object, by a method and in a URL", () => {
  it.each(rows)("%s: %p", async (name, options, fluent, url) => {
    const { addr } = redis.server;
    const byOptions = await effect(new RedisBackend<Note>({ addr, ...options }));
    if (fluent !== null) expect(await effect(fluent(new RedisBackend<Note>(addr)))).toEqual(byOptions);
    const config = { ...options, adapter: "@deep-agent/redis", url: `redis://${addr}` };
    expect(await effect(adapter.fromConfig<Note>(config))).toEqual(byOptions);
    if (url !== null) {
      const address = `redis://${url.replace("ADDR", addr)}`;
      expect(await effect(new RedisBackend<Note>(address))).toEqual(byOptions);
      const opened = await openBackend(address, { load: async () => adapter });
      expect(await effect(opened as unknown as RedisBackend<Note>)).toEqual(byOptions);
    }
    const defaults = await effect(new RedisBackend<Note>({ addr }));
    expect(defaults).toEqual({
      databases: ["db0"],
      users: ["default"],
      protocols: ["3"],
      connections: 10,
      records: 4,
      expires: 10_080,
      catalogue: true,
      ids: ["a"],
    });
    // These have no effect that is visible here: the password of a user without one, limits, and how a number is read.
    const unseen =
      ["password", "idleTimeoutMs", "family", "timeoutMs", "tls"].includes(name) || options.prefix === "app[1]:";
    if (!unseen) expect(byOptions).not.toEqual(defaults);
  });

  it("every option has a row", () => {
    const named = new Set(rows.map(([name]) => name));
    const all: Record<keyof RedisBackendOptions, true> = {
      addr: true,
      url: true,
      cluster: true,
      sentinel: true,
      addressMap: true,
      durability: true,
      reads: true,
      username: true,
      password: true,
      db: true,
      ttl: true,
      prefix: true,
      poolSize: true,
      idleTimeoutMs: true,
      protocol: true,
      family: true,
      timeoutMs: true,
      index: true,
      maxRecords: true,
      tls: true,
    };
    // The address is in every row. Options for several servers are tested in topologies.test.ts.
    const elsewhere = ["addr", "url", "cluster", "sentinel", "addressMap", "durability", "reads"];
    expect([...named, ...elsewhere].sort()).toEqual(Object.keys(all).sort());
  });

  it("the key has the prefix, and is in the chosen database", async () => {
    await redis.command("FLUSHALL");
    await using one = new RedisBackend<Note>({ addr: redis.server.addr, prefix: "app[1]:" });
    await one.append("a", notes(0, 1));
    expect(((await redis.command("KEYS", "*")) as string[]).sort()).toEqual(["@recent:app[1]:", "app[1]:a"]);
  });

  it("options override the URL", async () => {
    await using one = new RedisBackend<Note>({
      url: `redis://${redis.server.addr}/3?ttl=1h&prefix=url:`,
      db: 4,
      prefix: "option:",
    });
    await redis.command("FLUSHALL");
    await one.append("a", notes(0, 1));
    expect(String(await redis.command("INFO", "keyspace"))).toContain("db4:");
    expect(await one.list()).toEqual(["a"]);
  });
});

describe("an invalid configuration is refused", () => {
  it.each<[string, () => unknown]>([
    ["an option that does not exist", () => new RedisBackend({ address: "localhost" } as RedisBackendOptions)],
    ["an address and a URL", () => new RedisBackend({ addr: "localhost", url: "redis://localhost" })],
    ["a port of 0", () => new RedisBackend("localhost:0")],
    ["a port of 70000", () => new RedisBackend("localhost:70000")],
    ["another scheme", () => new RedisBackend("http://localhost")],
    ["a parameter that does not exist", () => new RedisBackend("redis://localhost?tttl=1h")],
    ["a parameter twice", () => new RedisBackend("redis://localhost?ttl=1h&ttl=2h")],
    ["a database that is not a number", () => new RedisBackend("redis://localhost/one")],
    ["a negative database", () => new RedisBackend({ db: -1 })],
    ["a TTL without a unit", () => new RedisBackend({ ttl: "60" })],
    ["an empty pool", () => new RedisBackend({ poolSize: 0 })],
    ["a timeout of 0", () => new RedisBackend({ timeoutMs: 0 })],
    ["a negative limit for idle connections", () => new RedisBackend({ idleTimeoutMs: -1 })],
    ["an unknown protocol", () => new RedisBackend("redis://localhost?protocol=1")],
    ["a protocol that is not a number", () => new RedisBackend({ protocol: "2" as unknown as 2 })],
    ["an unknown version of IP", () => new RedisBackend("redis://localhost?family=5")],
    ["an empty version of IP", () => new RedisBackend("redis://localhost?family=")],
    ["a password that is neither text nor function", () => new RedisBackend({ password: 7 as unknown as string })],
    ["a promise as password", () => new RedisBackend({ password: Promise.resolve("x") as unknown as string })],
    ["a prefix that is not a string", () => new RedisBackend({ prefix: 7 as unknown as string })],
    ["a prefix with a lone surrogate", () => new RedisBackend({ prefix: "\ud800" })],
    ["an index that is neither true nor false", () => new RedisBackend("redis://localhost?index=yes")],
    ["retention of 0 records", () => new RedisBackend({ maxRecords: 0 })],
    ["invalid TLS", () => new RedisBackend({ tls: "yes" as unknown as boolean })],
    ["an invalid value by a method", () => new RedisBackend().withDB(1.5)],
    ["a number instead of options", () => new RedisBackend(7 as unknown as string)],
  ])("%s", (_what, make) => {
    expect(make).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("and an option that is set after the first call, or that a given client must have itself", async () => {
    const used = redis.open();
    await used.ping();
    expect(() => used.withTTL("1h")).toThrow(
      expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining("first used") }),
    );
    const closed = redis.open();
    await closed.close();
    expect(() => closed.withDB(1)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    const given = backendOver({ send: async () => [], close: () => undefined }, { ttl: "1h" });
    expect(() => given.withPassword("secret")).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(given.withTTL("2h")).toBe(given);
  });

  it.each([
    ["", { host: "localhost", port: 6379 }],
    ["localhost", { host: "localhost", port: 6379 }],
    ["redis.example.com:1", { host: "redis.example.com", port: 1 }],
    ["10.0.0.1", { host: "10.0.0.1", port: 6379 }],
    ["[::1]", { host: "::1", port: 6379 }],
    ["[::1]:1", { host: "::1", port: 1 }],
    [":1", { host: "localhost", port: 1 }],
  ])("addresses are parsed: %j", (addr, address) => {
    expect(parseAddress(addr)).toEqual(address);
  });

  it.each([
    ["localhost:1", "localhost:1"],
    ["[::1]:1", "[::1]:1"],
    ["redis://[::1]:1", "[::1]:1"],
    [":1", "localhost:1"],
  ])("and shown in errors: %s", async (addr, shown) => {
    await using one = new RedisBackend({ addr, timeoutMs: 500 });
    expect(String(await rejectionOf(one.ping()))).toContain(`${shown} could not be reached`);
  });
});
