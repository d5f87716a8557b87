import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type LossyProxy, startProxy } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { RedisBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";
import { backendOver, poolAt } from "./support/over-commands.ts";
import { sources } from "./support/scripts.ts";

const ID = "alice";
const TIMEOUT = 400;

/** How far behind its deadline a call may be on a machine that is busy, in ms. */
const BUSY = 3_000;
/** And how far before: timers are of whole milliseconds. */
const ROUNDING = 2;

const redis = useServer();

/** The one whose deadlines count here, and one that has all the time it wants, to prepare and to look. */
let backend: RedisBackend<Note>;
let patient: RedisBackend<Note>;
beforeEach(() => {
  backend = redis.open({ timeoutMs: TIMEOUT });
  patient = redis.open({ timeoutMs: 30_000 });
});

/** Resolves when the backend has a connection, however busy the machine. */
async function connected(one: RedisBackend<Note>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await one.ping();
      return;
    } catch (error) {
      if (tries === 20) throw error;
    }
  }
}

const calls: [string, (one: RedisBackend<Note>) => Promise<unknown>][] = [
  ["load", (one) => one.load(ID)],
  ["read", (one) => one.read(ID, { last: 1 })],
  ["append", (one) => one.append(ID, notes(9, 1))],
  ["append, repeatable", (one) => one.append(ID, notes(9, 1), { since: "x.1.1" })],
  ["save", (one) => one.save(ID, notes(9, 1))],
  ["save, where nothing is expected", (one) => one.save(ID, notes(9, 1), { expectedRevision: null })],
  ["delete", (one) => one.delete(ID)],
  ["list", (one) => one.list()],
  ["recent", (one) => one.recent?.({ limit: 1 }) ?? Promise.resolve()],
  ["info", (one) => one.info(ID)],
  ["touch", (one) => one.touch(ID)],
  ["ping", (one) => one.ping()],
];

/** How long a call took, in ms, and how it ended. */
async function timed(call: () => Promise<unknown>): Promise<{ ms: number; error: unknown }> {
  const started = performance.now();
  const error = await rejectionOf(call());
  return { ms: performance.now() - started, error };
}

describe("a server that stands still", () => {
  it.each(calls)("%s settles by its deadline, and what it sent does nothing later", async (name, call) => {
    await patient.append(ID, notes(0, 1));
    const before = await redis.elements(ID);
    await connected(backend);
    await redis.server.freeze();
    let ended: { ms: number; error: unknown };
    try {
      ended = await timed(() => call(backend));
      // Not all that is late is in one attempt: the next one is, too.
      await rejectionOf(call(backend));
    } finally {
      await redis.server.thaw();
    }
    const writes = /append|save|delete|touch/.test(name);
    expect(ended.error).toMatchObject({
      code: "UNAVAILABLE",
      retryable: true,
      outcome: writes ? expect.stringMatching(/unknown|not-applied/) : "not-applied",
    });
    expect(ended.ms).toBeGreaterThanOrEqual(TIMEOUT / 2 - ROUNDING);
    expect(ended.ms).toBeLessThan(TIMEOUT + BUSY);
    // The server has read all that was sent before it answers this.
    await redis.command("PING");
    expect(await redis.elements(ID)).toEqual(before);
    expect(await patient.load(ID)).toEqual(notes(0, 1));
  });

  it("renews no time to live behind the deadline", async () => {
    const hourly = redis.open({ timeoutMs: TIMEOUT, ttl: "1h" });
    await patient.append(ID, notes(0, 1));
    await connected(hourly);
    await redis.server.freeze();
    try {
      expect(await rejectionOf(hourly.touch(ID))).toMatchObject({ code: "UNAVAILABLE" });
      await new Promise((resolve) => setTimeout(resolve, TIMEOUT)); // its deadline passes on the server's clock
    } finally {
      await redis.server.thaw();
    }
    await redis.command("PING");
    expect(Number(await redis.command("TTL", redis.prefix + ID))).toBeGreaterThan(600_000);
  });

  it("does not keep a backend from closing", async () => {
    await connected(backend);
    await redis.server.freeze();
    try {
      const call = rejectionOf(backend.load(ID));
      const started = performance.now();
      await backend.close();
      expect(performance.now() - started).toBeLessThan(TIMEOUT + BUSY);
      expect(await call).toMatchObject({ code: "UNAVAILABLE" });
    } finally {
      await redis.server.thaw();
    }
  });

  it("is not waited for by one that was aborted", async () => {
    await connected(backend);
    const reason = new Error("the user left");
    await redis.server.freeze();
    try {
      const controller = new AbortController();
      const call = backend.append(ID, notes(0, 1), { signal: controller.signal });
      controller.abort(reason);
      await expect(call).rejects.toBe(reason);
    } finally {
      await redis.server.thaw();
    }
  });
});

describe("an aborted call", () => {
  it("sends nothing more: what it was to write does not come behind what others do then", async () => {
    for (let round = 0; round < 20; round++) {
      const id = `${ID}-${round}`;
      const cold = redis.open();
      for (const write of [
        (signal: AbortSignal) => cold.append(id, notes(0, 1), { since: null, signal }),
        (signal: AbortSignal) => patient.save(id, notes(0, 1), { signal }),
        (signal: AbortSignal) => patient.append(id, notes(0, 1), { signal }),
      ]) {
        const controller = new AbortController();
        const reason = new Error("the user left");
        const call = rejectionOf(write(controller.signal));
        controller.abort(reason);
        expect(await call).toBe(reason);
        await patient.delete(id);
        await cold.ping();
        await patient.ping();
        expect(await patient.load(id)).toBeNull();
      }
    }
  });

  it("of a delete does not take what others have written since", async () => {
    await patient.append(ID, notes(0, 1));
    const controller = new AbortController();
    const one = redis.open();
    const call = rejectionOf(one.delete(ID, { signal: controller.signal }));
    controller.abort();
    await call;
    await patient.append(ID, notes(1, 1));
    await one.ping();
    expect(await patient.load(ID)).toEqual(notes(0, 2));
  });

  it("takes null for no signal", async () => {
    const signal = null as unknown as undefined;
    await patient.append(ID, notes(0, 1), { signal });
    expect(await patient.load(ID, { signal })).toEqual(notes(0, 1));
  });
});

describe("a server that answers no handshake", () => {
  it("is given up within the attempt's time, whatever the client still waits for", async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket.on("error", () => undefined)));
    await once(silent.listen(0, "127.0.0.1"), "listening");
    const { port } = silent.address() as AddressInfo;
    for (const tls of [false, true]) {
      const one = new RedisBackend<Note>({ addr: `127.0.0.1:${port}`, tls, timeoutMs: 1_000 });
      const error = await rejectionOf(one.ping());
      const [, ms] = /could not be reached \(nothing within (\d+) ms\)/.exec(String(error)) ?? [];
      expect(Number(ms)).toBeLessThanOrEqual(500);
      await one.close();
    }
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
});

describe("a connection that breaks while it is in use", () => {
  it("is told by its reason, to all who waited on it", async () => {
    let broken = false;
    const through = createServer((client) => {
      const server = connect(redis.server.port, redis.server.host);
      for (const socket of [client, server]) socket.on("error", () => undefined);
      server.pipe(client);
      client.on("data", (data) => (broken ? client.resetAndDestroy() : server.write(data)));
      client.on("close", () => server.destroy());
    });
    await once(through.listen(0, "127.0.0.1"), "listening");
    const { port } = through.address() as AddressInfo;
    const one = redis.open({ addr: `127.0.0.1:${port}`, timeoutMs: 1_000, poolSize: 1 });
    await connected(one);
    broken = true;
    const errors = await Promise.all([one.load(ID), one.load(ID), one.load(ID)].map((call) => rejectionOf(call)));
    for (const error of errors) expect(String(error)).toMatch(/ECONNRESET/);
    await one.close();
    through.close();
  });
});

describe("a connection on which nothing comes back", () => {
  let proxy: LossyProxy;
  beforeEach(async () => {
    proxy = await startProxy(redis.server);
  });
  afterEach(() => proxy[Symbol.asyncDispose]());

  it("is given up in time for another one", async () => {
    const one = redis.open({ addr: proxy.addr, timeoutMs: 2_000 });
    await one.append(ID, notes(0, 1));
    const { revision } = (await one.read(ID)) ?? { revision: "" };
    let swallowed = 0;
    proxy.rule = ([name = ""]) => (name.startsWith("EVAL") && swallowed++ === 0 ? "swallow" : "pass");
    await one.append(ID, notes(1, 1), { since: revision });
    expect(swallowed).toBeGreaterThan(0);
    expect(await one.load(ID)).toEqual(notes(0, 2));
  });

  it("ends by the deadline where there is never one", async () => {
    const one = redis.open({ addr: proxy.addr, timeoutMs: TIMEOUT });
    proxy.rule = () => "swallow";
    const { error, ms } = await timed(() => one.load(ID));
    expect(error).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied", retryable: true });
    expect(ms).toBeGreaterThanOrEqual(TIMEOUT / 2 - ROUNDING);
    expect(ms).toBeLessThan(TIMEOUT + BUSY);
  });

  it("that is a late one brings nothing about, though its server was told in time that it may", async () => {
    const one = redis.open({ addr: proxy.addr, timeoutMs: 1_000 });
    await patient.append(ID, notes(0, 1));
    for (const write of [
      () => one.delete(ID),
      () => one.save(ID, []),
      () => one.append("new", notes(0, 1), { since: null }),
      () => one.save("new", notes(0, 1), { expectedRevision: null }),
      () => one.append(ID, notes(7, 1)),
    ]) {
      await connected(one);
      proxy.rule = ([name = ""]) => (name.startsWith("EVAL") ? "hold" : "pass");
      expect(await rejectionOf(write())).toMatchObject({ code: "UNAVAILABLE", outcome: "unknown" });
      expect(proxy.held).toBeGreaterThan(0);
      proxy.rule = () => "pass";
      await proxy.release();
      expect(await patient.load(ID)).toEqual(notes(0, 1));
      expect(await patient.load("new")).toBeNull();
    }
  });
});

describe("a server's clock need not be right", () => {
  it.each([-3_600, 3_600, 86_400 * 365])(
    "%i seconds off, calls succeed, and late ones still do nothing",
    async (seconds) => {
      // Scripts that are told another time, on the way to a server whose clock nobody can set.
      const pool = poolAt(redis.server, 30_000);
      const shifted = backendOver<Note>(
        {
          send: (commands, options) =>
            pool.send(
              commands.map(([name = "", source = "", ...rest]) =>
                name === "EVALSHA" || name === "EVAL"
                  ? ["EVAL", shift(source, seconds), ...rest]
                  : [name, source, ...rest].filter((word) => word !== ""),
              ),
              options,
            ),
          close: () => pool.close(),
        },
        { prefix: redis.prefix, timeoutMs: 2_000 },
      );
      await shifted.append(ID, notes(0, 1));
      const { revision } = (await shifted.read(ID, { last: 1 })) ?? { revision: "" };
      await shifted.append(ID, notes(1, 1), { since: revision });
      await shifted.save("b", notes(0, 1));
      await shifted.delete("b");
      expect(await shifted.load(ID)).toEqual(notes(0, 2));
      await redis.server.freeze();
      try {
        expect(await rejectionOf(shifted.delete(ID))).toMatchObject({ code: "UNAVAILABLE" });
      } finally {
        await redis.server.thaw();
      }
      await redis.command("PING");
      expect(await shifted.load(ID)).toEqual(notes(0, 2));
      await shifted.close();
    },
  );

  /** The script, by its name or text, with a clock that is so many seconds ahead. */
  function shift(source: string, seconds: number): string {
    const text = sources.get(source) ?? source;
    const asked = "local clock = redis.call('TIME')";
    return text.replace(asked, `${asked} clock[1] = clock[1] + ${seconds}`);
  }

  it("nor go on evenly: one that was set forward is read anew", async () => {
    const clock = await import("../src/calls/server-clock.ts");
    const one = new clock.ServerClock();
    one.observe(5_000_000);
    const early = one.at(performance.now() + 1_000);
    one.observe(90_000_000);
    expect(one.at(performance.now() + 1_000) - early).toBeGreaterThan(80_000_000);
  });
});

describe("a server that comes back", () => {
  it("is used again by the next call, without anybody's doing", async () => {
    await patient.append(ID, notes(0, 1));
    await redis.server.restart();
    await patient.append("b", notes(0, 1));
    await redis.server.kill();
    expect(await rejectionOf(patient.load("b"))).toMatchObject({ code: "UNAVAILABLE", outcome: "not-applied" });
    await redis.server.start();
    await patient.append("c", notes(0, 1));
    expect(await patient.load("c")).toEqual(notes(0, 1));
  });

  it("has lost its scripts, and is told them again", async () => {
    await patient.append(ID, notes(0, 1));
    await redis.command("SCRIPT", "FLUSH");
    await patient.append(ID, notes(1, 1));
    expect(await patient.load(ID)).toEqual(notes(0, 2));
  });
});

describe("a process", () => {
  const worker = (mode: string): ChildProcess =>
    fork(join(__dirname, "workers/process.worker.ts"), [redis.server.addr, redis.prefix, mode], { stdio: "pipe" });

  async function ended(child: ChildProcess): Promise<{ code: unknown; output: string }> {
    let output = "";
    child.stdout?.on("data", (piece) => {
      output += String(piece);
    });
    child.stderr?.on("data", (piece) => {
      output += String(piece);
    });
    const [code] = await once(child, "close");
    return { code, output };
  }

  it("ends by itself, though nobody has closed its backend", async () => {
    expect(await ended(worker("leave"))).toEqual({ code: 0, output: "1\n" });
  });

  it("is not ended by a server that goes away, idle or busy", async () => {
    const child = worker("survive");
    const end = ended(child);
    const [ready] = await once(child, "message");
    expect(ready).toBe("idle");
    await redis.server.kill();
    await redis.server.start();
    child.send("busy");
    await once(child, "message");
    await redis.server.kill();
    await redis.server.start();
    child.send("end");
    const { code, output } = await end;
    expect(output).toBe("");
    expect(code).toBe(0);
    // It has seen that, and went on.
    expect(await redis.open().load("survivor")).not.toBeNull();
  });
});
