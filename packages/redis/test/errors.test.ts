import { createServer as createPlainServer, type Socket } from "node:net";
import { type ConnectionOptions, createServer } from "node:tls";
import { MemoryError, type MemoryErrorCode } from "@deep-agent/core";
import { certificates, type RedisServer, startCluster, startProxy, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient } from "@redis/client";
import { RedisBackend, type RedisBackendOptions } from "../src/index.ts";
import { loaded } from "../src/wire/loaded.ts";
import { eventsDuring, type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

/** The error of an append on this backend, which is then closed. */
async function appendError(backend: RedisBackend<Note>): Promise<MemoryError> {
  const error = await rejectionOf(backend.append("alice", [{ n: 1, text: "the canary" }], { since: null }));
  if (!MemoryError.is(error)) throw error;
  await backend.close();
  return error;
}

/** The parts of an error that differ. Checks the parts that every error has. */
function summaryOf(error: MemoryError) {
  const { code, outcome, retryable, message, hint, cause } = error;
  expect(error).toMatchObject({ backend: "redis", memoryId: "alice", hint: expect.any(String) });
  expect(message.endsWith(hint ?? "?")).toBe(true);
  expect(cause).toBeInstanceOf(Error);
  // The cause has no property with a part of the command.
  expect(Object.keys(cause as Error).filter((name) => name !== "code" && name !== "name")).toEqual([]);
  return { code, outcome, retryable, message };
}

/** The summary of a write that certainly changed nothing. */
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

/** Starts a server for one test, and stops it afterwards. */
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
  it("no server at the address", async () => {
    await withServer({}, async (server, open) => {
      await server.kill();
      expect(summaryOf(await appendError(open()))).toEqual(
        notApplied(
          "UNAVAILABLE",
          true,
          /Cannot append to memory "alice": 127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)/,
        ),
      );
    });
  });

  it("unknown host", async () => {
    const error = await appendError(new RedisBackend<Note>({ addr: "no-such-host.invalid:1", timeoutMs: 5_000 }));
    expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", true, /ENOTFOUND|EAI_AGAIN/));
  });

  it("NOAUTH, WRONGPASS", async () => {
    await withServer({ args: ["--requirepass", "right"], password: "right" }, async (server, open) => {
      await server.command("ACL", "SETUSER", "writer", "on", ">secret", "~*", "+@all");
      expect(summaryOf(await appendError(open()))).toEqual(
        notApplied("UNAUTHORIZED", false, /refused the connection.*NOAUTH.*`password`/),
      );
      expect(summaryOf(await appendError(open({ password: "wrong" })))).toEqual(
        notApplied("UNAUTHORIZED", false, /WRONGPASS.*`username` and `password`/),
      );
      expect(summaryOf(await appendError(open({ username: "writer", password: "right" })))).toEqual(
        notApplied("UNAUTHORIZED", false, /WRONGPASS/),
      );
      expect(summaryOf(await appendError(open({ username: "nobody", password: "right" })))).toEqual(
        notApplied("UNAUTHORIZED", false, /WRONGPASS/),
      );
      await open({ password: "right" }).append("a", notes(0, 1));
      await open({ username: "writer", password: "secret" }).append("a", notes(0, 1));
    });
  });

  it("READONLY, until the next call finds that the replica became a master", async () => {
    await withServer({}, async (master) => {
      await withServer({ args: ["--replicaof", master.host, String(master.port)] }, async (replica, open) => {
        const backend = open();
        const error = await rejectionOf(backend.append("alice", notes(0, 1)));
        expect(summaryOf(error as MemoryError)).toEqual(notApplied("UNAVAILABLE", true, /READONLY.*replica/));
        expect(await backend.load("alice")).toBeNull();
        const connections = async () =>
          /connected_clients:(\d+)/.exec(String(await replica.command("INFO", "clients")))?.[1];
        await replica.command("REPLICAOF", "NO", "ONE");
        await backend.append("alice", notes(0, 1));
        expect(await connections()).toBe("2"); // the backend's and this test's
      });
    });
  });

  it("LOADING", async () => {
    // The server takes three seconds to read 3,000 keys, and answers LOADING meanwhile.
    const slowly = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    await withServer({ args: slowly, waitForData: false }, async (server, open) => {
      const pairs = Array.from({ length: 3_000 }, (_, key) => [`${key}`, "x".repeat(20)]);
      await server.command("MSET", ...pairs.flat());
      await server.command("SAVE");
      await server.restart();
      const error = await appendError(open());
      expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", true, /LOADING/));
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
      expect(summaryOf(await appendError(open()))).toEqual(notApplied("CAPACITY", true, /OOM.*maxmemory/));
      expect(await server.command("LRANGE", "deep-agent:memories:full", "0", "-1")).toEqual(before);
      expect(await server.command("ZRANGE", "@recent:deep-agent:memories:", "0", "-1")).toEqual(["full"]);
      // Commands that free memory still work.
      await backend.delete("full");
      expect(await backend.load("full")).toBeNull();
    });
  });

  it("NOREPLICAS", async () => {
    await withServer({ args: ["--min-replicas-to-write", "1"] }, async (_server, open) => {
      const error = await appendError(open());
      expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", true, /NOREPLICAS/));
    });
  });

  it("MISCONF", async () => {
    await withServer({ args: ["--save", "3600 1", "--enable-protected-configs", "yes"] }, async (server, open) => {
      await server.command("SET", "a", "1");
      await server.command("CONFIG", "SET", "dir", "/proc"); // not writable
      await server.command("BGSAVE");
      while (!String(await server.command("INFO", "persistence")).includes("rdb_last_bgsave_status:err"));
      const error = await appendError(open());
      expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", true, /MISCONF/));
    });
  });

  it("BUSY", async () => {
    await withServer({ args: ["--busy-reply-threshold", "50"] }, async (server, open) => {
      const looping = server.command("EVAL", "while true do end", "0").catch((error: Error) => error.message);
      // Until the script runs, and has taken too long.
      while (!(await isBusy(server)));
      const error = await appendError(open());
      await server.command("SCRIPT", "KILL");
      expect(await looping).toMatch(/kill/i);
      expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", true, /BUSY/));
      await open().append("alice", notes(0, 1), { since: null });
    });
  });

  it("too many connections", async () => {
    await withServer({ args: ["--maxclients", "1"] }, async (server, open) => {
      const holder = createClient({ socket: { host: server.host, port: server.port }, disableClientInfo: true });
      await holder.connect();
      try {
        const error = await appendError(open());
        expect(summaryOf(error)).toEqual(
          notApplied("UNAVAILABLE", true, /max number of clients|ECONNRESET|could not be reached/),
        );
      } finally {
        holder.destroy();
      }
    });
  });

  it("a lost reply, and no reply from a frozen server", async () => {
    const unknown = { code: "UNAVAILABLE", outcome: "unknown", retryable: true };
    await withServer({}, async (server, open) => {
      await using proxy = await startProxy(server);
      const one = open({ timeoutMs: 1_500 });
      const another = open({ timeoutMs: 1_500, addr: proxy.addr });
      await Promise.all([one.ping(), another.append("bob", notes(0, 1))]);
      proxy.rule = ([name = ""]) => (name.startsWith("EVAL") ? "dropReply" : "pass");
      const dropped = await appendError(another);
      expect(summaryOf(dropped)).toEqual({
        ...unknown,
        message: expect.stringMatching(/no reply came from 127\.0\.0\.1/),
      });
      // The write was applied, which the error could not know.
      expect(await one.load("alice")).toHaveLength(1);
      await server.freeze();
      const silent = await appendError(one);
      await server.thaw();
      expect(summaryOf(silent)).toEqual({
        ...unknown,
        message: expect.stringMatching(/timed out after \d+ ms/),
      });
    });
  });

  it("unknown database", async () => {
    await withServer({}, async (_server, open) => {
      const error = await appendError(open({ db: 99 }));
      expect(summaryOf(error)).toEqual(notApplied("INVALID_CONFIG", false, /`db`/));
    });
  });
});

describe("a part of the package that is loaded later", () => {
  it("is returned, or its error says what to do if it is missing", async () => {
    expect(await loaded(import("../src/assemble.ts"))).toHaveProperty("assemble");
    const missing = "../src/gone.ts";
    const error = await rejectionOf(loaded(import(missing)));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", backend: "redis", outcome: "not-applied", retryable: false });
    expect((error as MemoryError).hint).toContain("Install @deep-agent/redis again");
    expect((error as MemoryError).cause).toBeInstanceOf(Error);
  });
});

describe("a key that holds data of another program", () => {
  const redis = useServer();

  it.each<[string, string[]]>([
    ["a hash", ["HSET", "field", "value"]],
    ["a set", ["SADD", "value"]],
    ["a sorted set", ["ZADD", "1", "value"]],
    ["a stream", ["XADD", "*", "field", "value"]],
    ["a list", ["RPUSH", "somebody's"]],
    ["a list with a header of another version", ["RPUSH", "#2 epoch 1 1 1 0", '{"t":"x","at":1,"r":[{"n":1}]}']],
    ["a value that is not JSON", ["SET", "somebody's"]],
    ["a value of other JSON", ["SET", '{"role":"user"}']],
  ])("%s: every call rejects, and the data stays as it is", async (what, [name = "", ...rest]) => {
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
    const isDeletable = what.startsWith("a list") || what.startsWith("a value");
    if (!isDeletable) await expect(backend.delete("alice")).rejects.toMatchObject({ code: "CORRUPT" });
    expect(await redis.command("DUMP", key)).toEqual(before);
    // Data that may have been a conversation can be deleted.
    if (isDeletable) await backend.delete("alice");
    expect(await redis.command("EXISTS", key)).toBe(isDeletable ? 0 : 1);
  });

  it("a damaged entry: the error has its number", async () => {
    const backend = redis.open();
    for (let n = 0; n < 3; n++) await backend.append("alice", [{ n, text: "the canary" }]);
    await redis.command("LSET", `${redis.prefix}alice`, "2", '{"t":"x","at":5,"r":[{"text":"the canary"');
    const error = await rejectionOf(backend.load("alice"));
    expect(error).toMatchObject({ code: "CORRUPT", memoryId: "alice", message: expect.stringContaining("entry 2") });
    expect((await backend.read("alice", { last: 1 }))?.records).toHaveLength(1);
  });

  it("a broken last entry: appends are refused", async () => {
    const backend = redis.open();
    await backend.append("alice", notes(0, 1));
    await redis.command("LSET", `${redis.prefix}alice`, "-1", "torn");
    for (const call of [() => backend.append("alice", notes(1, 1)), () => backend.read("alice", { last: 1 })]) {
      expect(await rejectionOf(call())).toMatchObject({ code: "CORRUPT", outcome: "not-applied" });
    }
    expect(await redis.elements("alice")).toHaveLength(2);
  });
});

describe("a key of the index that holds data of another program", () => {
  const redis = useServer();

  it.each([
    ["HSET", "field", "value"],
    ["RPUSH", "value"],
    ["SET", "value"],
  ])("%s: errors name it, and what to do", async (name, ...values) => {
    const key = `@recent:${redis.prefix}`;
    const backend = redis.open();
    await redis.open({ index: false }).append("alice", notes(0, 1));
    await redis.command(name, key, ...values);
    const before = await redis.command("DUMP", key);
    for (const call of [
      () => backend.append("alice", notes(1, 1)),
      () => backend.append("bob", notes(1, 1), { since: null }),
      () => backend.save("alice", notes(0, 1)),
      () => backend.recent?.({ limit: 1 }) ?? Promise.resolve(),
      () => backend.reindex(),
    ]) {
      const error = await rejectionOf(call());
      expect(error).toMatchObject({ code: "CORRUPT", outcome: "not-applied", retryable: false });
      expect((error as MemoryError).message).toContain(JSON.stringify(key));
      expect((error as MemoryError).hint).toContain("`index: false`");
    }
    await redis.open({ index: false }).append("gone", notes(0, 1));
    expect(await rejectionOf(backend.delete("gone"))).toMatchObject({
      code: "CORRUPT",
      outcome: "applied", // it is deleted, and only the index could not be told
      message: expect.stringContaining(JSON.stringify(key)),
    });
    expect(await redis.command("DUMP", key)).toEqual(before);
    // What does not need the index works.
    expect(await backend.load("alice")).toEqual(notes(0, 1));
    expect(await backend.list()).toEqual(["alice"]);
    await redis.command("DEL", key);
    await backend.append("alice", notes(1, 1));
    expect((await backend.recent?.({ limit: 1 }))?.memories).toHaveLength(1);
  });

  it("on a cluster, the warning names it", async () => {
    await using cluster = await startCluster({ masters: 3 });
    const nodes = cluster.nodes.map(({ host, port }) => `${host}:${port}`);
    await using backend = new RedisBackend<Note>({ cluster: nodes, index: true, prefix: "mine:" });
    await backend.ping();
    await (await cluster.masterOf("@recent:mine:")).command("SET", "@recent:mine:", "value");
    const events = await eventsDuring(() => backend.append("alice", notes(0, 1)));
    expect(events).toEqual([
      expect.objectContaining({ type: "warning", detail: expect.stringContaining('"@recent:mine:"') }),
    ]);
    expect(await rejectionOf(backend.recent?.({ limit: 1 }) ?? Promise.resolve())).toMatchObject({ code: "CORRUPT" });
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

  it("all options are passed to Node: authority, client certificate, server name", async () => {
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
    // The alert or the end of the connection may arrive first.
    [
      "no client certificate",
      () => ({ ca: made.ca }),
      /CERTIFICATE_REQUIRED|closed|ECONNRESET|EPIPE/,
      expect.any(Boolean),
    ],
  ])("%s: nothing is sent", async (_what, tls, says, retryable) => {
    const error = await appendError(open(tls()));
    expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", retryable, says));
  });

  it.each([
    ["redis:", (addr: string) => new RedisBackend<Note>(`redis://${addr}`), "`rediss:` or `tls: true`"],
    ["protocol 2", (addr: string) => new RedisBackend<Note>(`redis://${addr}?protocol=2`), "`rediss:` or `tls: true`"],
    [
      "a function for the password",
      (addr: string) => new RedisBackend<Note>(addr).withPassword(() => "any"),
      "`tls: true`",
    ],
  ])("%s to a server that speaks TLS: the error names TLS, and what to change", async (_what, open, says) => {
    const error = await appendError(open(server.addr));
    expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", expect.any(Boolean), /could not be reached/));
    expect(error.hint).toContain("TLS");
    expect(error.hint).toContain(says);
  });

  it.each([
    ["answers at once", (socket: Socket) => socket.end("-ERR Protocol error\r\n"), /does not speak TLS/, false],
    ["speaks HTTP", (socket: Socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"), /does not speak TLS/, false],
    ["closes the connection", (socket: Socket) => socket.destroy(), /does not speak TLS/, true],
    ["resets the connection", (socket: Socket) => socket.resetAndDestroy(), /does not speak TLS/, true],
    ["says nothing", () => undefined, /does not speak TLS/, true],
  ])("rediss: to a plain server that %s: the error names TLS", async (_what, act, says, retryable) => {
    const sockets = new Set<Socket>();
    const listener = createPlainServer((socket) => {
      sockets.add(socket.on("error", () => undefined));
      socket.once("data", () => act(socket));
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { port: number }; // the server listens on a port
    const error = await appendError(new RedisBackend<Note>({ url: `rediss://127.0.0.1:${port}`, timeoutMs: 400 }));
    for (const socket of sockets) socket.destroy();
    listener.close();
    expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", retryable, says));
    expect(error.hint).toContain("`redis:` or `tls: false`");
  });

  it("rediss: to a plain Redis server: the error names TLS, and what to change", async () => {
    await withServer({}, async (plain) => {
      // The server may wait for the end of what it takes for a command.
      const error = await appendError(new RedisBackend<Note>(`rediss://${plain.addr}?timeoutMs=500`));
      expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", expect.any(Boolean), /does not speak TLS/));
      expect(error.hint).toContain("`redis:` or `tls: false`");
    });
  });

  it("a server without a common TLS setting is reported", async () => {
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as { port: number }; // the server listens on a port
    const error = await appendError(new RedisBackend<Note>({ addr: `127.0.0.1:${port}`, tls: true, timeoutMs: 1_000 }));
    listener.close();
    expect(summaryOf(error)).toEqual(notApplied("UNAVAILABLE", false, /could not be reached/));
  });
});
