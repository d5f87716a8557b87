import { type LossyProxy, type RedisServer, startProxy, startRedis } from "@deep-agent/test-redis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createClient, createClientPool } from "@redis/client";
import { Redis } from "ioredis";
import { type Durability, RedisBackend, type RedisBackendOptions, type RedisMemoryOptions } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";

/*
 * A server and its replica, which may stand still. With `durability: { replicas: 1 }` a write is acknowledged when both have it.
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

/** How to come by a backend, and to let go of it, on each client. */
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
  it("and not before", async () => {
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

  it("asked for directly behind the write, in one piece with it, also where the script was forgotten", async () => {
    const one = await backendOn(proxy.addr, { durability: { replicas: 1, timeoutMs: 1_234 } });
    await one.append("a", notes(0, 1));
    const pieces = piecesThrough(proxy);
    await Promise.all(Array.from({ length: 8 }, (_, n) => one.append("a", notes(n, 1))));
    // Connections may be made meanwhile.
    const writing = pieces.filter((piece) => isScript(piece[0]));
    expect(namesIn(writing)).toEqual(Array(8).fill("EVALSHA WAIT").join(" "));
    await server.command("SCRIPT", "FLUSH");
    pieces.length = 0;
    await one.append("a", notes(8, 1));
    expect(pieces.map((piece) => namesIn([piece]))).toEqual(["EVALSHA WAIT", "EVAL WAIT"]);
    expect(pieces.map((piece) => piece.at(-1)?.slice(1))).toEqual(Array(2).fill(["1", "1234"]));
  });

  it("and not asked for where the master's word is enough", async () => {
    const one = await backendOn(proxy.addr, { durability: "memory" });
    await one.append("a", notes(0, 1));
    await one.save("a", notes(0, 2));
    await one.touch("a");
    await one.delete("a");
    expect(proxy.counts.commands).not.toHaveProperty("WAIT");
  });

  it("and whoever may not ask is told that it may be written", async () => {
    const one = await backendOn(server.addr, { durability: inReplica });
    await server.command("ACL", "SETUSER", "default", "-wait");
    try {
      const error = await rejectionOf(one.append("a", notes(0, 1)));
      expect(error).toMatchObject({ code: "UNAUTHORIZED", outcome: outcomeBehind(client) });
    } finally {
      await server.command("ACL", "SETUSER", "default", "+wait");
    }
    expect(await one.load("a")).toEqual(notes(0, 1));
  });

  it("and whoever waits while a failover ends it is told to try again", async () => {
    const one = await backendOn(server.addr, { durability: { replicas: 1, timeoutMs: 20_000 }, timeoutMs: 60_000 });
    await one.append("a", notes(0, 1));
    await replica.freeze();
    const rejected = rejectionOf(one.append("a", notes(1, 1)));
    while ((await lengthIn(server)) < 3) await server.command("PING");
    try {
      await server.command("REPLICAOF", replica.host, String(replica.port));
      const error = await rejected;
      expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: outcomeBehind(client), retryable: true });
    } finally {
      await server.command("REPLICAOF", "NO", "ONE");
      await replica.thaw();
      await caughtUp();
    }
  });
});

/** What a client can tell of a script where what stands behind it was refused: node-redis tells that alone. */
function outcomeBehind(client: string): string {
  return client.startsWith("node-redis") ? "unknown" : "applied";
}

interface Write {
  what: string;
  call(backend: RedisBackend<Note>): Promise<unknown>;
  /** What is there behind it. It was two records before. */
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

describe("a write that the replica has not got in time", () => {
  it.each(writes)(
    "$what: is told to be made, waits again when repeated, and is made once",
    async ({ call, records }) => {
      await begin();
      await replica.freeze();
      for (let tries = 0; tries < 3; tries++) {
        // Each is another process, and has written nothing yet.
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

  it("touch, of what is kept for ever", async () => {
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

  it.each(writes)(
    "$what: also where the reply was lost, and its repetition is what waits",
    async ({ call, records }) => {
      await begin();
      await replica.freeze();
      let lost = 0;
      // A script that writes has a WAIT behind it.
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
    },
  );

  it("is in time where one of two is asked for, and not where both are", async () => {
    await open({ durability: inReplica }).append("a", notes(0, 1));
    const error = await rejectionOf(open({ durability: { replicas: 2, timeoutMs: 300 } }).append("a", notes(1, 1)));
    expect(error).toMatchObject({ code: "DURABILITY", message: expect.stringContaining("1 of 2 replicas") });
    expect(await open().load("a")).toEqual(notes(0, 2));
  });
});

describe("what is no durability is refused", () => {
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
    const durability = given as Durability; // or so its caller says
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

/** On connections of its own, closed after the test. */
function open(options: RedisBackendOptions = {}): RedisBackend<Note> {
  return kept(new RedisBackend<Note>({ addr: server.addr, prefix: prefix(), ...options }));
}

/** Two records are there, in both. */
async function begin(options: RedisBackendOptions = {}): Promise<void> {
  known = await open(options).append("a", notes(0, 2));
  await caughtUp();
}

/** Resolves when the replica has what the server has. */
async function caughtUp(): Promise<void> {
  const one = createClient({ url: server.url });
  await one.connect();
  await one.sendCommand(["SET", "any", "thing"]); // WAIT is for what was written on its connection
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

/** The commands that come from now on, in the pieces in which they come: each is from one connection. */
function piecesThrough(through: LossyProxy, rule: LossyProxy["rule"] = () => "pass"): Piece[] {
  const pieces: Piece[] = [];
  let piece: Piece | undefined;
  through.rule = (words) => {
    if (piece === undefined) {
      piece = [];
      pieces.push(piece);
      // All of a piece is given to the rule before anything else happens.
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

/** Those that only read have no deadline, which is a time in µs. */
function isWrite(words: readonly string[]): boolean {
  return /^\d{16}$/.test(words[3 + Number(words[2])] ?? "");
}
