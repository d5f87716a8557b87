import { type ConnectionOptions, createServer } from "node:tls";
import { MemoryError, type MemoryErrorCode } from "@deep-agent/core";
import { certificates, type RedisServer, startProxy, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "@redis/client";
import { RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { loaded } from "../src/wire/loaded.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

/** What an append was told, which is then looked at from all sides. */
async function appendError(backend: RedisBackend<Note>): Promise<MemoryError> {
  const error = await rejectionOf(backend.append("alice", [{ n: 1, text: "the canary" }], { since: null }));
  if (!MemoryError.is(error)) throw error;
  await backend.close();
  return error;
}

/** What matters of an error, which has all that every one has. */
function told(error: MemoryError) {
  const { code, outcome, retryable, message, hint, cause } = error;
  expect(error).toMatchObject({ backend: "redis", memoryId: "alice", hint: expect.any(String) });
  expect(message.endsWith(hint ?? "?")).toBe(true);
  expect(cause).toBeInstanceOf(Error);
  // Nothing of the command hangs on it.
  expect(Object.keys(cause as Error).filter((name) => name !== "code" && name !== "name")).toEqual([]);
  return { code, outcome, retryable, message };
}

/** What is told of a write that certainly left no trace. */
function notApplied(code: MemoryErrorCode, retryable: unknown, says: RegExp) {
  return { code, outcome: "not-applied", retryable, message: expect.stringMatching(says) };
}

async function isBusy(server: RedisServer): Promise<boolean> {
  try {
    await server.command("GET", "a");
    return false;
  } catch (error) {
    if (String(error).includes("BUSY")) return true;
    throw error;
  }
}

/** A server for one test, whatever it comes to. */
async function withServer(
  options: Parameters<typeof startRedis>[0],
  run: (server: RedisServer, open: (options?: RedisBackendOptions) => RedisBackend<Note>) => Promise<void>,
): Promise<void> {
  const server = await startRedis(options);
  const opened: RedisBackend<Note>[] = [];
  try {
    await run(server, (more = {}) => {
      const backend = new RedisBackend<Note>({ addr: server.addr, timeoutMs: 2_000, ...more });
      opened.push(backend);
      return backend;
    });
  } finally {
    await Promise.all(opened.map((backend) => backend.close()));
    await server[Symbol.asyncDispose]();
  }
}

describe("an error says what failed, where, and what to do", () => {
  it("nobody listens there", async () => {
    await withServer({}, async (server, open) => {
      await server.kill();
      expect(told(await appendError(open()))).toEqual(
        notApplied(
          "UNAVAILABLE",
          true,
          /Cannot append to memory "alice": 127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)/,
        ),
      );
    });
  });

  it("there is no such host", async () => {
    const error = await appendError(new RedisBackend<Note>({ addr: "no-such-host.invalid:1", timeoutMs: 5_000 }));
    expect(told(error)).toEqual(notApplied("UNAVAILABLE", true, /ENOTFOUND|EAI_AGAIN/));
  });

  it("NOAUTH, WRONGPASS", async () => {
    await withServer({ args: ["--requirepass", "right"], password: "right" }, async (server, open) => {
      await server.command("ACL", "SETUSER", "writer", "on", ">secret", "~*", "+@all");
      expect(told(await appendError(open()))).toEqual(
        notApplied("UNAUTHORIZED", false, /refused the connection.*NOAUTH.*`password`/),
      );
      expect(told(await appendError(open({ password: "wrong" })))).toEqual(
        notApplied("UNAUTHORIZED", false, /WRONGPASS.*`username` and `password`/),
      );
      expect(told(await appendError(open({ username: "writer", password: "right" })))).toEqual(
        notApplied("UNAUTHORIZED", false, /WRONGPASS/),
      );
      expect(told(await appendError(open({ username: "nobody", password: "right" })))).toEqual(
        notApplied("UNAUTHORIZED", false, /WRONGPASS/),
      );
      await open({ password: "right" }).append("a", notes(0, 1));
      await open({ username: "writer", password: "secret" }).append("a", notes(0, 1));
    });
  });

  it("READONLY, and the next call finds out whether that has changed", async () => {
    await withServer({}, async (master) => {
      await withServer({ args: ["--replicaof", master.host, String(master.port)] }, async (replica, open) => {
        const backend = open();
        const error = await rejectionOf(backend.append("alice", notes(0, 1)));
        expect(told(error as MemoryError)).toEqual(notApplied("UNAVAILABLE", true, /READONLY.*replica/));
        expect(await backend.load("alice")).toBeNull();
        const connections = async () =>
          /connected_clients:(\d+)/.exec(String(await replica.command("INFO", "clients")))?.[1];
        await replica.command("REPLICAOF", "NO", "ONE");
        await backend.append("alice", notes(0, 1));
        expect(await connections()).toBe("2"); // that of the backend, and this one
      });
    });
  });

  it("LOADING", async () => {
    // Reading 3,000 keys takes it three seconds, in which it answers.
    const slowly = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    await withServer({ args: slowly, waitForData: false }, async (server, open) => {
      const pairs = Array.from({ length: 3_000 }, (_, key) => [`${key}`, "x".repeat(20)]);
      await server.command("MSET", ...pairs.flat());
      await server.command("SAVE");
      await server.restart();
      const error = await appendError(open());
      expect(told(error)).toEqual(notApplied("UNAVAILABLE", true, /LOADING/));
    });
  });

  it("OOM", async () => {
    await withServer({ args: ["--maxmemory-policy", "noeviction"] }, async (server, open) => {
      const backend = open();
      await backend.append("full", notes(0, 2));
      await server.command("CONFIG", "SET", "maxmemory", "1");
      const before = await server.command("LRANGE", "deep-agent:memories:full", "0", "-1");
      for (const write of [
        () => backend.append("full", notes(2, 1)),
        () => backend.save("full", notes(2, 1)),
        () => backend.append("new", notes(2, 1)),
        () => backend.save("new", notes(2, 1)),
      ]) {
        const error = await rejectionOf(write());
        expect(error).toMatchObject({ code: "CAPACITY", outcome: "not-applied", retryable: true });
      }
      expect(told(await appendError(open()))).toEqual(notApplied("CAPACITY", true, /OOM.*maxmemory/));
      expect(await server.command("LRANGE", "deep-agent:memories:full", "0", "-1")).toEqual(before);
      expect(await server.command("ZRANGE", "@recent:deep-agent:memories:", "0", "-1")).toEqual(["full"]);
      // What makes room is still possible.
      await backend.delete("full");
      expect(await backend.load("full")).toBeNull();
    });
  });

  it("NOREPLICAS", async () => {
    await withServer({ args: ["--min-replicas-to-write", "1"] }, async (_server, open) => {
      const error = await appendError(open());
      expect(told(error)).toEqual(notApplied("UNAVAILABLE", true, /NOREPLICAS/));
    });
  });

  it("MISCONF", async () => {
    await withServer({ args: ["--save", "3600 1", "--enable-protected-configs", "yes"] }, async (server, open) => {
      await server.command("SET", "a", "1");
      await server.command("CONFIG", "SET", "dir", "/proc"); // where nobody writes
      await server.command("BGSAVE");
      while (!String(await server.command("INFO", "persistence")).includes("rdb_last_bgsave_status:err"));
      const error = await appendError(open());
      expect(told(error)).toEqual(notApplied("UNAVAILABLE", true, /MISCONF/));
    });
  });

  it("BUSY", async () => {
    await withServer({ args: ["--busy-reply-threshold", "50"] }, async (server, open) => {
      const looping = server.command("EVAL", "while true do end", "0").catch((error: Error) => error.message);
      // Until it has begun, and takes too long.
      while (!(await isBusy(server)));
      const error = await appendError(open());
      await server.command("SCRIPT", "KILL");
      expect(await looping).toMatch(/kill/i);
      expect(told(error)).toEqual(notApplied("UNAVAILABLE", true, /BUSY/));
      await open().append("alice", notes(0, 1), { since: null });
    });
  });

  it("no connection is left", async () => {
    await withServer({ args: ["--maxclients", "1"] }, async (server, open) => {
      const holder = createClient({ socket: { host: server.host, port: server.port }, disableClientInfo: true });
      await holder.connect();
      try {
        const error = await appendError(open());
        expect(told(error)).toEqual(
          notApplied("UNAVAILABLE", true, /max number of clients|ECONNRESET|could not be reached/),
        );
      } finally {
        holder.destroy();
      }
    });
  });

  it("no reply: neither from a server that stands still, nor one that came back", async () => {
    const unknown = { code: "UNAVAILABLE", outcome: "unknown", retryable: true };
    await withServer({}, async (server, open) => {
      await using proxy = await startProxy(server);
      const one = open({ timeoutMs: 1_500 });
      const another = open({ timeoutMs: 1_500, addr: proxy.addr });
      await Promise.all([one.ping(), another.append("bob", notes(0, 1))]);
      proxy.rule = ([name = ""]) => (name.startsWith("EVAL") ? "dropReply" : "pass");
      const dropped = await appendError(another);
      expect(told(dropped)).toEqual({ ...unknown, message: expect.stringMatching(/no reply came from 127\.0\.0\.1/) });
      // What the error did not know: it was written.
      expect(await one.load("alice")).toHaveLength(1);
      await server.freeze();
      const silent = await appendError(one);
      await server.thaw();
      expect(told(silent)).toEqual({
        ...unknown,
        message: expect.stringMatching(/nothing within \d+ ms/),
      });
    });
  });

  it("no such database", async () => {
    await withServer({}, async (_server, open) => {
      const error = await appendError(open({ db: 99 }));
      expect(told(error)).toEqual(notApplied("INVALID_CONFIG", false, /`db`/));
    });
  });
});

describe("a part of the package that is loaded later", () => {
  it("is answered where it is there, and missed with a word on what to do where it is not", async () => {
    expect(await loaded(import("../src/assemble.ts"))).toHaveProperty("assemble");
    const missing = "../src/gone.ts";
    const error = await rejectionOf(loaded(import(missing)));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", backend: "redis", outcome: "not-applied", retryable: false });
    expect((error as MemoryError).hint).toContain("Install @deep-agent/redis again");
    expect((error as MemoryError).cause).toBeInstanceOf(Error);
  });
});

describe("what is stored under the key is somebody else's", () => {
  const redis = useServer();

  it.each<[string, string[]]>([
    ["a hash", ["HSET", "field", "value"]],
    ["a set", ["SADD", "value"]],
    ["a sorted set", ["ZADD", "1", "value"]],
    ["a stream", ["XADD", "*", "field", "value"]],
    ["a list", ["RPUSH", "somebody's"]],
    ["a list with a header of another version", ["RPUSH", "#2 epoch 1 1 1 0", '{"t":"x","at":1,"r":[{"n":1}]}']],
    ["a value that is no JSON", ["SET", "somebody's"]],
    ["a value of other JSON", ["SET", '{"role":"user"}']],
  ])("%s: every call says so, and it stays as it is", async (what, [name = "", ...rest]) => {
    const key = `${redis.prefix}alice`;
    await redis.command(name, key, ...rest);
    const before = await redis.command("DUMP", key);
    const backend = redis.open();
    const calls = [
      () => backend.load("alice"),
      () => backend.read("alice"),
      () => backend.read("alice", { last: 1 }),
      () => backend.append("alice", notes(0, 1)),
      () => backend.append("alice", notes(0, 1), { since: null }),
      () => backend.save("alice", notes(0, 1)),
      () => backend.info("alice"),
    ];
    for (const call of calls) {
      expect(await rejectionOf(call())).toMatchObject({
        code: "CORRUPT",
        outcome: "not-applied",
        backend: "redis",
        memoryId: "alice",
      });
    }
    const isOurs = what.startsWith("a list") || what.startsWith("a value");
    if (!isOurs) await expect(backend.delete("alice")).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await redis.command("DUMP", key)).toEqual(before);
    // What may once have been a conversation can be deleted.
    if (isOurs) await backend.delete("alice");
    expect(await redis.command("EXISTS", key)).toBe(isOurs ? 0 : 1);
  });

  it("a damaged entry is named by its number", async () => {
    const backend = redis.open();
    for (let n = 0; n < 3; n++) await backend.append("alice", [{ n, text: "the canary" }]);
    await redis.command("LSET", `${redis.prefix}alice`, "2", '{"t":"x","at":5,"r":[{"text":"the canary"');
    const error = await rejectionOf(backend.load("alice"));
    expect(error).toMatchObject({ code: "CORRUPT", memoryId: "alice", message: expect.stringContaining("entry 2") });
    expect((await backend.read("alice", { last: 1 }))?.records).toHaveLength(1);
  });

  it("a broken last entry is not appended to", async () => {
    const backend = redis.open();
    await backend.append("alice", notes(0, 1));
    await redis.command("LSET", `${redis.prefix}alice`, "-1", "torn");
    for (const call of [() => backend.append("alice", notes(1, 1)), () => backend.read("alice", { last: 1 })]) {
      expect(await rejectionOf(call())).toMatchObject({ code: "CORRUPT", outcome: "not-applied" });
    }
    expect(await redis.elements("alice")).toHaveLength(2);
  });
});

describe("with TLS", () => {
  let made: Awaited<ReturnType<typeof certificates>>;
  let server: RedisServer;
  beforeAll(async () => {
    made = await certificates();
    server = await startRedis({ args: (port) => made.serverArgs(port, true), tls: { ca: made.ca, ...made.client } });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const open = (tls?: boolean | ConnectionOptions) =>
    new RedisBackend<Note>({ addr: server.addr, timeoutMs: 2_000, ...(tls !== undefined && { tls }) });

  it("the options are passed through: authority, client certificate, name", async () => {
    for (const backend of [
      open({ ca: made.ca, ...made.client }),
      open().withTLS({ ca: made.ca, ...made.client, servername: "localhost" }),
      new RedisBackend<Note>({ url: `rediss://${server.addr}`, tls: { ca: made.ca, ...made.client } }),
    ]) {
      await using one = backend;
      expect(await one.append("alice", notes(0, 1))).toContain(".");
    }
  });

  it.each<[string, () => boolean | ConnectionOptions, RegExp, unknown]>([
    ["an authority that is not trusted", () => ({ ...made.client }), /SELF_SIGNED|UNABLE_TO_VERIFY.*`tls`/, false],
    [
      "another name",
      () => ({ ca: made.ca, ...made.client, servername: "elsewhere.test" }),
      /ERR_TLS_CERT_ALTNAME_INVALID.*`servername`/,
      false,
    ],
    // Whether the alert or the end of the connection is heard first is a matter of chance.
    [
      "no client certificate",
      () => ({ ca: made.ca }),
      /CERTIFICATE_REQUIRED|closed|ECONNRESET|EPIPE/,
      expect.any(Boolean),
    ],
    ["plain text to a TLS port", () => false, /could not be reached|no reply/, true],
  ])("%s: nothing is sent", async (_what, tls, says, retryable) => {
    const error = await appendError(open(tls()));
    expect(told(error)).toEqual(notApplied("UNAVAILABLE", retryable, says));
  });

  it("a port with which no TLS can be agreed on is told of", async () => {
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { port: number }; // it listens
    const error = await appendError(new RedisBackend<Note>({ addr: `127.0.0.1:${port}`, tls: true, timeoutMs: 1_000 }));
    listener.close();
    expect(told(error)).toEqual(notApplied("UNAVAILABLE", false, /could not be reached/));
  });
});
