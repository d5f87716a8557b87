import { inspect } from "node:util";
import type { MemoryError } from "@deep-agent/core";
import { type RedisServer, startProxy, startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import { type PasswordFunction, RedisBackend } from "../src/index.ts";
import { eventsDuring, type Note, notes, rejectionOf, useServer } from "./support/backends.ts";
import { type Place, places } from "./support/topologies.ts";

/** The user of the backends. The tests' own user has no password. */
const USER = "agent";

/** Gives the user this password instead of the one before, and ends the user's connections. */
async function rotate(servers: readonly RedisServer[], password: string): Promise<void> {
  for (const server of servers) {
    await server.command("ACL", "SETUSER", USER, "on", "resetpass", `>${password}`, "~*", "&*", "+@all");
    await server.command("CLIENT", "KILL", "USER", USER);
  }
}

function textOf(error: unknown): string {
  return inspect(error, { depth: 20, showHidden: true, getters: true, maxStringLength: null });
}

describe("a function is asked for the password of each new connection", () => {
  const redis = useServer();

  it("and every turn is stored while the password changes between turns", async () => {
    let password = "rotated-0";
    await rotate([redis.server], password);
    const asked: string[] = [];
    const backend = redis.open({
      username: USER,
      password: () => {
        asked.push(password);
        return password;
      },
    });
    let since: string | null = null;
    for (let n = 0; n < 10; n++) {
      since = await backend.append("a", notes(n, 1), { since });
      expect(await backend.load("a")).toHaveLength(n + 1);
      password = `rotated-${n + 1}`;
      await rotate([redis.server], password);
    }
    expect(await backend.load("a")).toEqual(notes(0, 10));
    expect(asked).toEqual(Array.from({ length: 11 }, (_, n) => `rotated-${n}`));
  });

  it("by requirepass as well, of a server without users", async () => {
    await using server = await startRedis();
    let password = "";
    await using backend = new RedisBackend<Note>({ addr: server.addr, password: () => password });
    await backend.append("a", notes(0, 1)); // an empty password is not sent
    await using proxy = await startProxy(server);
    await using other = new RedisBackend<Note>(proxy.addr).withPassword(async () => password);
    const since = await other.append("a", notes(1, 1));
    await server.command("CONFIG", "SET", "requirepass", "second");
    password = "second";
    proxy.cut();
    await other.append("a", notes(2, 1), { since });
    expect(await other.load("a")).toHaveLength(3);
  });

  it("again if the server refuses the password that the function gave", async () => {
    await rotate([redis.server], "new");
    let asked = 0;
    const backend = redis.open({
      username: USER,
      // What a cache of tokens does: the old one is given until it is known to be refused.
      password: async () => (asked++ < 2 ? "old" : "new"),
    });
    await backend.append("a", notes(0, 1));
    expect(asked).toBe(3);
    expect(await backend.load("a")).toEqual(notes(0, 1));
  });

  it("but not without end", async () => {
    await rotate([redis.server], "right");
    let asked = 0;
    const backend = redis.open({
      username: USER,
      password: () => {
        asked += 1;
        return "wrong-canary";
      },
    });
    const error = await rejectionOf(backend.append("a", notes(0, 1)));
    expect(error).toMatchObject({ code: "UNAUTHORIZED", outcome: "not-applied", retryable: false });
    expect((error as MemoryError).message).toContain("WRONGPASS");
    expect(textOf(error)).not.toContain("wrong-canary");
    expect(asked).toBeGreaterThan(1);
    expect(asked).toBeLessThan(10);
  });

  it("for each connection of a pool", async () => {
    await rotate([redis.server], "right");
    let asked = 0;
    const backend = redis.open({
      username: USER,
      poolSize: 3,
      password: async () => {
        asked += 1;
        return "right";
      },
    });
    for (let round = 0; round < 20; round++) await Promise.all(Array.from({ length: 10 }, () => backend.ping()));
    expect(asked).toBe(3);
  });

  it.each<keyof typeof places>(["cluster", "sentinels"])("at each node of a %s", async (kind) => {
    await using place = await places[kind]();
    let password = "rotated-0";
    await rotate(place.servers, password);
    const { proxies, addressMap } = place.proxies;
    const asked: string[] = [];
    await using backend = new RedisBackend<Note>({
      ...whereIs(kind, place),
      addressMap: Object.fromEntries(
        Object.entries(addressMap).map(([from, { host, port }]) => [from, `${host}:${port}`]),
      ),
      username: USER,
      password: async () => {
        asked.push(password);
        return password;
      },
      timeoutMs: 20_000,
    });
    const known = new Map<string, string>();
    for (let n = 0; n < 4; n++) {
      for (const memoryId of ["a", "b", "c", "d"]) {
        const since = known.get(memoryId) ?? null;
        known.set(memoryId, await backend.append(memoryId, notes(n, 1), { since }));
      }
      password = `rotated-${n + 1}`;
      await rotate(place.servers, password);
    }
    for (const memoryId of ["a", "b", "c", "d"]) expect(await backend.load(memoryId)).toEqual(notes(0, 4));
    expect(new Set(asked).size).toBe(5);
    expect(proxies.length).toBeGreaterThan(1);
  });
});

describe("a function that gives no password is UNAUTHORIZED, with its cause", () => {
  const redis = useServer();
  const unreadable = new Proxy(new Error("x"), {
    get() {
      throw new Error("no property of this error can be read");
    },
  });

  it.each<[string, () => unknown, RegExp]>([
    ["it rejects", () => Promise.reject(new Error("the token service is away")), /the token service is away/],
    [
      "it throws",
      () => {
        throw new RangeError("no token");
      },
      /RangeError: no token/,
    ],
    ["it throws text", () => Promise.reject("no token"), /no token/],
    ["it throws something that cannot be read", () => Promise.reject(unreadable), /cannot be read/],
    ["it gives a number", () => 7, /number/],
    ["it gives nothing", async () => undefined, /undefined/],
    ["it gives null", () => null, /null/],
    ["it gives an object", () => ({ password: "canary-in-object" }), /object/],
  ])("%s", async (_what, password, says) => {
    const backend = redis.open({ password: password as PasswordFunction });
    const events = await eventsDuring(async () => {
      for (const call of [() => backend.append("a", notes(0, 1)), () => backend.list(), () => backend.ping()]) {
        const error = await rejectionOf(call());
        expect(error).toMatchObject({
          code: "UNAUTHORIZED",
          outcome: "not-applied",
          retryable: false,
          backend: "redis",
        });
        expect(String((error as MemoryError).cause)).toMatch(says);
        expect((error as MemoryError).message).toContain("`password`");
        expect(textOf(error)).not.toContain("canary-in-object");
      }
    });
    expect(events).toEqual([]);
    expect(await redis.command("EXISTS", `${redis.prefix}a`)).toBe(0);
  });

  it("for the nodes of clusters and sentinels, without asking again and again", async () => {
    let asked = 0;
    const password = async (): Promise<string> => {
      asked += 1;
      throw new Error("no token");
    };
    for (const place of [
      { cluster: [redis.server.addr] },
      { sentinel: { name: "m", nodes: [redis.server.addr], password } },
    ]) {
      asked = 0;
      await using backend = new RedisBackend<Note>({ ...place, password });
      expect(await rejectionOf(backend.append("a", notes(0, 1)))).toMatchObject({ code: "UNAUTHORIZED" });
      expect(asked).toBe(1);
    }
  });

  it("within the deadline of the call, if it never answers, and the function learns that nobody waits", async () => {
    const signals: AbortSignal[] = [];
    const never: PasswordFunction = ({ signal }) => {
      signals.push(signal);
      return new Promise(() => undefined);
    };
    const backend = redis.open({ password: never, timeoutMs: 300 });
    const begun = performance.now();
    const error = await rejectionOf(backend.append("a", notes(0, 1)));
    expect(performance.now() - begun).toBeLessThan(2_000);
    expect(error).toMatchObject({ code: "UNAUTHORIZED", outcome: "not-applied" });
    await backend.close();
    expect(signals.length).toBeGreaterThan(0);
    expect(signals.every(({ aborted }) => aborted)).toBe(true);
  });

  it("and a call that is aborted meanwhile rejects with the signal's reason, at once", async () => {
    const backend = redis.open({ password: () => new Promise(() => undefined) });
    const reason = new Error("stop");
    const controller = new AbortController();
    const begun = performance.now();
    const call = backend.append("a", notes(0, 1), { signal: controller.signal });
    setTimeout(() => controller.abort(reason), 50);
    expect(await rejectionOf(call)).toBe(reason);
    await backend.close(); // which waits for the call
    expect(performance.now() - begun).toBeLessThan(1_500);
  });

  it("but a slow function has all of the call's time, not only that of one attempt", async () => {
    let asked = 0;
    const backend = redis.open({
      timeoutMs: 2_000,
      password: async () => {
        asked += 1;
        await new Promise((resolve) => setTimeout(resolve, 1_300));
        return "any";
      },
    });
    await backend.append("a", notes(0, 1));
    expect(asked).toBe(1);
  });
});

function whereIs(
  kind: keyof typeof places,
  { name, nodes }: Place,
): ConstructorParameters<typeof RedisBackend>[0] & object {
  const addresses = nodes.map(({ host, port }) => `${host}:${port}`);
  return kind === "cluster" ? { cluster: addresses } : { sentinel: { name, nodes: addresses } };
}
