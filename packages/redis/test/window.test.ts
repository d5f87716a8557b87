import type { Revision } from "@deep-agent/core";
import { startProxy } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import type { RedisCommands } from "../src/wire/redis-commands.ts";
import { type Note, notes, useServer } from "./support/backends.ts";
import { backendOver, poolAt } from "./support/over-commands.ts";

const redis = useServer();

describe("a window, which is read by several commands", () => {
  it("is of one moment, whatever is written meanwhile", async () => {
    const [writer, reader] = [redis.open({ maxRecords: 30 }), redis.open()];
    let written = 0;
    let since: Revision | null = null;
    const write = async (): Promise<void> => {
      for (; written < 2_000; written += 2) since = await writer.append("a", notes(written, 2), { since });
    };
    let windows = 0;
    const read = async (): Promise<void> => {
      while (written < 2_000) {
        const window = await reader.read("a", { last: 6 });
        if (window === null) continue;
        const { records, start, revision } = window;
        const end = (records.at(-1)?.n ?? 0) + 1;
        expect(records).toEqual(notes(end - records.length, records.length));
        // Two records an entry: a revision's second part is the number of the entry.
        expect(Number(revision.split(".")[1])).toBe(end / 2);
        if (start !== null) expect(Number(start.split(".")[1])).toBe((end - records.length) / 2);
        windows += 1;
      }
    };
    await Promise.all([write(), read(), read()]);
    expect(windows).toBeGreaterThan(100);
    expect((await reader.read("a", { last: 6 }))?.revision).toBe(since);
  });

  it("has as many records as were asked for, however many others' entries hold", async () => {
    const backend = redis.open();
    for (let n = 0; n < 40; n += 4) await backend.append("many", notes(n, 4));
    for (let n = 0; n < 40; n += 1) await backend.append("one", notes(n, 1));
    await backend.save("saved", notes(0, 20));
    for (let n = 20; n < 40; n += 10) await backend.append("saved", notes(n, 10));
    for (const id of ["many", "one", "saved", "many", "many", "one"]) {
      const window = await backend.read(id, { last: 16 });
      expect(window?.records.slice(-16)).toEqual(notes(24, 16));
      const before = await backend.read(id, { before: window?.start ?? undefined });
      expect(before?.records).toEqual(notes(0, 40 - (window?.records.length ?? 0)));
    }
    expect((await backend.read("one", { last: 1_000 }))?.records).toEqual(notes(0, 40));
    expect((await backend.read("one", { last: 1_000 }))?.start).toBeNull();
    expect(await backend.read("none", { last: 3 })).toBeNull();
  });

  it("comes in one round of commands, which read no more of the log than that of those read lately that had the fewest records an entry", async () => {
    await using proxy = await startProxy(redis.server);
    const backend = redis.open({ addr: proxy.addr });
    for (let n = 0; n < 40; n += 4) await backend.append("many", notes(n, 4));
    for (let n = 0; n < 40; n += 1) await backend.append("one", notes(n, 1));
    const plain = { LINDEX: 2, LLEN: 1, LRANGE: 1 };
    await backend.read("many", { last: 16 });
    proxy.resetCounts();
    // Four entries are too few here: once.
    await backend.read("one", { last: 16 });
    expect(proxy.counts.commands["EVALSHA"]).toBe(1);
    for (const id of ["many", "one", "many", "one"]) {
      proxy.resetCounts();
      await backend.read(id, { last: 16 });
      expect(proxy.counts.commands).toEqual(plain);
    }
    for (let time = 0; time < 130; time++) await backend.read("many", { last: 16 });
    proxy.resetCounts();
    await backend.read("many", { last: 16 });
    const lately = proxy.counts.received;
    // Five of its ten entries, with the one before.
    expect(lately).toBeLessThan((await redis.elements("many")).join("").length * 0.75);
  });

  it("is asked for on one connection, by clients of several, too", async () => {
    const pool = poolAt(redis.server, 5_000);
    const sent: unknown[] = [];
    const commands: RedisCommands = {
      send: (some, options) => {
        sent.push({ names: some.map(([name]) => name), inseparable: options.inseparable });
        return pool.send(some, options);
      },
      close: () => pool.close(),
    };
    await redis.open().append("a", notes(0, 4));
    await using backend = backendOver<Note>(commands, { prefix: redis.prefix });
    expect((await backend.read("a", { last: 2 }))?.records).toEqual(notes(0, 4));
    expect(sent).toEqual([{ names: ["LINDEX", "LLEN", "LRANGE", "LINDEX"], inseparable: true }]);
  });

  it("comes by one script where commands may be sent on to different servers", async () => {
    await using proxy = await startProxy(redis.server);
    await redis.open().append("a", notes(0, 4));
    const [host = "", port = ""] = proxy.addr.split(":");
    const pool = poolAt({ host, port: Number(port) }, 5_000);
    const cluster: RedisCommands = {
      send: (commands, options) => pool.send(commands, options),
      masters: async () => [{ name: "", commands: pool }],
      close: () => pool.close(),
    };
    await using backend = backendOver<Note>(cluster, { prefix: redis.prefix });
    await backend.read("a", { last: 1 });
    proxy.resetCounts();
    expect((await backend.read("a", { last: 2 }))?.records).toEqual(notes(0, 4));
    expect(proxy.counts.commands).toEqual({ EVALSHA: 1 });
  });
});

describe("options", () => {
  it("count as they are when the call is made", async () => {
    const backend = redis.open();
    const options = { operationId: "one" };
    const first = backend.append("a", notes(0, 1), options);
    options.operationId = "two";
    await first;
    await backend.append("a", notes(0, 1), { operationId: "one" });
    expect(await backend.load("a")).toEqual(notes(0, 1));
  });
});
