import { type LossyProxy, type RedisServer, startProxy, startRedis } from "@deep-agent/test-redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createClient, createClientPool } from "@redis/client";
import { Redis } from "ioredis";
import { type Durability, RedisBackend, type RedisBackendOptions, type RedisMemoryOptions } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";

/*
 * A server and its replica, which may be frozen. With `durability: { replicas: 1 }`, a write is acknowledged when both
 * have it.
 */
let server: RedisServer;
let replica: RedisServer;
let proxy: LossyProxy;
let number = 0;
let opened: { close(): Promise<unknown> | unknown }[] = [];

beforeAll(async () => {
  const args = ["--repl-diskless-sync-delay", "0"];
  [server, replica] = await Promise.all([startRedis({ args }), startRedis({ args })]);
  await replica.command("REPLICAOF", server.host, String(server.port));
  await caughtUp();
});
beforeEach(async () => {
  number += 1;
  proxy = await startProxy(server);
});
afterEach(async () => {
  if (replica.isFrozen) await replica.thaw();
  for (const one of opened.reverse()) await one.close();
  opened = [];
  await proxy[Symbol.asyncDispose]();
});
afterAll(async () => {
  for (const one of [replica, server]) await one[Symbol.asyncDispose]();
});

const inReplica: Durability = { replicas: 1, timeoutMs: 300 };

/** Opens a backend on each kind of client. All are closed after the test. */
const clients: Record<string, (addr: string, options: RedisMemoryOptions) => Promise<RedisBackend<Note>>> = {
  own: async (addr, options) => open({ ...options, addr }),
  async "node-redis client"(addr, options) {
    const client = createClient({ url: `redis://${addr}`, disableClientInfo: true }).on("error", quiet);
    await client.connect();
    opened.push({ close: () => client.destroy() });
    return kept(RedisBackend.fromClient<Note>(client, { ...options, prefix: prefix() }));
  },
  async "node-redis pool"(addr, options) {
    const client = createClientPool({ url: `redis://${addr}`, disableClientInfo: true }, { minimum: 4, maximum: 4 });
    await client.on("error", quiet).connect();
    opened.push({ close: () => client.destroy() });
    return kept(RedisBackend.fromClient<Note>(client, { ...options, prefix: prefix() }));
  },
  async ioredis(addr, options) {
    const client = new Redis(`redis://${addr}`).on("error", quiet);
    opened.push({ close: () => client.disconnect() });
    return kept(RedisBackend.fromClient<Note>(client, { ...options, prefix: prefix() }));
  },
};

describe.each(Object.entries(clients))("a write is acknowledged when the replica has it: %s", (client, backendOn) => {
  it("does not settle before", async () => {
    const one = await backendOn(server.addr, { durability: { replicas: 1, timeoutMs: 20_000 }, timeoutMs: 60_000 });
    for (let n = 0; n < 10; n++) {
      await one.append("a", notes(n, 1));
      expect(await lengthIn(replica)).toBe(n + 2);
    }
    await replica.freeze();
    const states: string[] = [];
    const appended = one.append("a", notes(10, 1)).finally(() => states.push("acknowledged"));
    while ((await lengthIn(server)) < 12) await server.command("PING");
    await server.command("PING");
    states.push("thawed");
    await replica.thaw();
    await appended;
    expect(await lengthIn(replica)).toBe(12);
    expect(states).toEqual(["thawed", "acknowledged"]);
  });

  it("sends WAIT together with the write, also if the server has lost the script", async () => {
    const one = await backendOn(proxy.addr, { durability: { replicas: 1, timeoutMs: 1_234 } });
    await one.append("a", notes(0, 1));
    const pieces = piecesThrough(proxy);
    await Promise.all(Array.from({ length: 8 }, (_, n) => one.append("a", notes(n, 1))));
    // New connections may send other commands meanwhile.
    const writing = pieces.filter((piece) => isScript(piece[0]));
    expect(namesIn(writing)).toEqual(Array(8).fill("EVALSHA WAIT").join(" "));
    await server.command("SCRIPT", "FLUSH");
    pieces.length = 0;
    await one.append("a", notes(8, 1));
    expect(pieces.map((piece) => namesIn([piece]))).toEqual(["EVALSHA WAIT", "EVAL WAIT"]);
    expect(pieces.map((piece) => piece.at(-1)?.slice(1))).toEqual(Array(2).fill(["1", "1234"]));
  });

  it("does not send WAIT if only the master has to have the write", async () => {
    const one = await backendOn(proxy.addr, { durability: "memory" });
    await one.append("a", notes(0, 1));
    await one.save("a", notes(0, 2));
    await one.touch("a");
    await one.delete("a");
    expect(proxy.counts.commands).not.toHaveProperty("WAIT");
  });

  it("rejects if the user may not WAIT, and says that the write may be stored", async () => {
    const one = await backendOn(server.addr, { durability: inReplica });
    await server.command("ACL", "SETUSER", "default", "-wait");
    try {
      const error = await rejectionOf(one.append("a", notes(0, 1)));
      expect(error).toMatchObject({ code: "UNAUTHORIZED", outcome: outcomeAfter(client) });
    } finally {
      await server.command("ACL", "SETUSER", "default", "+wait");
    }
    expect(await one.load("a")).toEqual(notes(0, 1));
  });

  it("rejects as retryable if a failover ends the wait", async () => {
    const one = await backendOn(server.addr, { durability: { replicas: 1, timeoutMs: 20_000 }, timeoutMs: 60_000 });
    await one.append("a", notes(0, 1));
    await replica.freeze();
    const rejected = rejectionOf(one.append("a", notes(1, 1)));
    while ((await lengthIn(server)) < 3) await server.command("PING");
    try {
      await server.command("REPLICAOF", replica.host, String(replica.port));
      const error = await rejected;
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: outcomeAfter(client), retryable: true });
    } finally {
      await server.command("REPLICAOF", "NO", "ONE");
      await replica.thaw();
      await caughtUp();
    }
  });
});

/** The outcome of a script if the command after it was refused. With node-redis, the script's reply is then unknown. */
function outcomeAfter(client: string): string {
  return client.startsWith("node-redis") ? "unknown" : "applied";
}

interface Write {
  what: string;
  call(backend: RedisBackend<Note>): Promise<unknown>;
  /** How many records the memory has after the write. It had two before. */
  records: number | null;
}

const writes: readonly Write[] = [
  { what: "append", call: (one) => one.append("a", notes(2, 2), { operationId: "x" }), records: 4 },
  {
    what: "append by `since`",
    call: (one) => one.append("a", notes(2, 2), { operationId: "x", since: known }),
    records: 4,
  },
  { what: "save", call: (one) => one.save("a", notes(0, 5), { operationId: "x" }), records: 5 },
  { what: "save without a name", call: (one) => one.save("a", notes(0, 5)), records: 5 },
  { what: "delete", call: (one) => one.delete("a"), records: null },
  { what: "touch", call: (one) => one.touch("a"), records: 2 },
];

/** The revision before a write. */
let known: string;

describe("a write that the replica does not get in time", () => {
  it.each(writes)(
    "$what: rejects as applied, waits again when repeated, and is made once",
    async ({ call, records }) => {
      await begin();
      await replica.freeze();
      for (let tries = 0; tries < 3; tries++) {
        // Each backend stands for another process that has written nothing yet.
        const error = await rejectionOf(call(open({ durability: inReplica })));
        expect(error).toMatchObject({
          ...{ code: "DURABILITY", outcome: "applied", retryable: true },
          message: expect.stringContaining("0 of 1 replicas"),
        });
      }
      expect(await open().load("a")).toEqual(records === null ? null : notes(0, records));
      await replica.thaw();
      await call(open({ durability: { replicas: 1, timeoutMs: 20_000 }, timeoutMs: 60_000 }));
      expect(await elementsIn(replica)).toEqual(await elementsIn(server));
      expect(await open().load("a")).toEqual(records === null ? null : notes(0, records));
    },
  );

  it("touch with no TTL: the same", async () => {
    await begin({ ttl: "1h" });
    await replica.freeze();
    for (let tries = 0; tries < 3; tries++) {
      const error = await rejectionOf(open({ durability: inReplica, ttl: null }).touch("a"));
      expect(error).toMatchObject({ code: "DURABILITY", outcome: "applied" });
    }
    await replica.thaw();
    await open({ durability: { replicas: 1, timeoutMs: 20_000 }, ttl: null }).touch("a");
    expect(await replica.command("PTTL", `${prefix()}a`)).toBe(-1);
  });

  it.each(writes)("$what: the same if the reply was lost and the repetition waits", async ({ call, records }) => {
    await begin();
    await replica.freeze();
    let lost = 0;
    // A WAIT is sent after each script that writes.
    const pieces = piecesThrough(proxy, (words) => {
      if (lost > 0 || !isScript(words) || !isWrite(words)) return "pass";
      lost += 1;
      return "dropReply";
    });
    const one = open({ addr: proxy.addr, durability: inReplica, timeoutMs: 10_000 });
    const error = await rejectionOf(call(one));
    expect(error).toMatchObject({ code: "DURABILITY", outcome: "applied", retryable: true });
    expect(lost).toBe(1);
    expect(namesIn(pieces).match(/EVALSHA WAIT/g)?.length).toBeGreaterThan(1);
    await replica.thaw();
    await call(open({ durability: { replicas: 1, timeoutMs: 20_000 }, timeoutMs: 60_000 }));
    expect(await elementsIn(replica)).toEqual(await elementsIn(server));
    expect(await open().load("a")).toEqual(records === null ? null : notes(0, records));
  });

  it("succeeds if one replica is enough, and rejects if two are required", async () => {
    await open({ durability: inReplica }).append("a", notes(0, 1));
    const error = await rejectionOf(open({ durability: { replicas: 2, timeoutMs: 300 } }).append("a", notes(1, 1)));
    expect(error).toMatchObject({ code: "DURABILITY", message: expect.stringContaining("1 of 2 replicas") });
    expect(await open().load("a")).toEqual(notes(0, 2));
  });
});

describe("an invalid durability is refused", () => {
  it.each<[unknown]>([
    ["disk"],
    [1],
    [null],
    [{}],
    [{ replicas: 0 }],
    [{ replicas: -1 }],
    [{ replicas: 1.5 }],
    [{ replicas: "1" }],
    [{ replicas: undefined }],
    [{ replicas: 1_001 }],
    [{ replicas: 1, timeoutMs: 0 }],
    [{ replicas: 1, timeoutMs: Number.NaN }],
    [{ replicas: 1, timeoutMs: 2 ** 31 }],
    [{ replicas: 1, timeout: 5 }],
  ])("%j", (given) => {
    const durability = given as Durability; // a caller without types may pass anything
    const refusal = expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining("durability") });
    expect(() => new RedisBackend({ durability })).toThrow(refusal);
    expect(() => RedisBackend.fromClient(createClient(), { durability })).toThrow(refusal);
  });
});

function prefix(): string {
  return `test-${number}:`;
}

function quiet(): void {}

function kept(backend: RedisBackend<Note>): RedisBackend<Note> {
  opened.push(backend);
  return backend;
}

/** Opens a backend with its own connections, which is closed after the test. */
function open(options: RedisBackendOptions = {}): RedisBackend<Note> {
  return kept(new RedisBackend<Note>({ addr: server.addr, prefix: prefix(), ...options }));
}

/** Stores two records on both servers. */
async function begin(options: RedisBackendOptions = {}): Promise<void> {
  known = await open(options).append("a", notes(0, 2));
  await caughtUp();
}

/** Resolves when the replica has all data of the server. */
async function caughtUp(): Promise<void> {
  const one = createClient({ url: server.url });
  await one.connect();
  await one.sendCommand(["SET", "any", "thing"]); // WAIT counts only for writes on its own connection
  expect(await one.sendCommand(["WAIT", "1", "20000"])).toBe(1);
  one.destroy();
}

async function lengthIn(one: RedisServer): Promise<number> {
  return Number(await one.command("LLEN", `${prefix()}a`));
}

async function elementsIn(one: RedisServer): Promise<unknown> {
  return one.command("LRANGE", `${prefix()}a`, "0", "-1");
}

type Piece = (readonly string[])[];

/** Records the commands from now on, in the pieces in which they arrive. A piece comes from one connection. */
function piecesThrough(through: LossyProxy, rule: LossyProxy["rule"] = () => "pass"): Piece[] {
  const pieces: Piece[] = [];
  let piece: Piece | undefined;
  through.rule = (words) => {
    if (piece === undefined) {
      piece = [];
      pieces.push(piece);
      // The proxy passes all commands of a piece to the rule in one go.
      queueMicrotask(() => {
        piece = undefined;
      });
    }
    piece.push(words);
    return rule(words);
  };
  return pieces;
}

function namesIn(pieces: readonly Piece[]): string {
  return pieces.flatMap((piece) => piece.map(([name]) => name?.toUpperCase())).join(" ");
}

function isScript([name = ""]: readonly string[] = []): boolean {
  return /^EVAL/i.test(name);
}

/** Whether a script writes: only such a script has a deadline, a time in µs, as its first argument. */
function isWrite(words: readonly string[]): boolean {
  return /^\d{16}$/.test(words[3 + Number(words[2])] ?? "");
}
