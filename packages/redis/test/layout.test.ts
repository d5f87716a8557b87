import { describe, expect, it } from "@jest/globals";
import { indexKeyOf } from "../src/layout/memory-key.ts";
import { memorySettings } from "../src/options/memory-settings.ts";
import { notes, useServer } from "./support/backends.ts";

/*
 * The content of Redis, to the byte: other programs read it, and later versions of this library have to read it.
 */

const redis = useServer();
const ID = "user-alice";
const WEEK = 604_800_000;

const key = (memoryId: string): string => redis.prefix + memoryId;
const index = (): string => `@recent:${redis.prefix}`;
const toLive = async (memoryId: string): Promise<number> => Number(await redis.command("PTTL", key(memoryId)));

function expectAWeek(ms: number): void {
  expect(ms).toBeGreaterThan(WEEK - 60_000);
  expect(ms).toBeLessThanOrEqual(WEEK);
}

/** The parts of a header. */
async function headerOf(memoryId: string) {
  const [header = ""] = await redis.elements(memoryId);
  const [mark, epoch = "", created, updated, records, dropped, ...more] = header.split(" ");
  expect(more).toEqual([]);
  return {
    mark,
    epoch,
    created: Number(created),
    updated: Number(updated),
    records: Number(records),
    dropped: Number(dropped),
  };
}

/** The operations in the mark of a memory. `undefined`: it has no mark. */
async function markOf(memoryId: string): Promise<{ saves: string[]; appends: string[]; end: string } | undefined> {
  const [, first = ""] = await redis.elements(memoryId);
  return first.startsWith('{"t":"save:"') ? JSON.parse(first) : undefined;
}

/** How often the server ran each command, from clients and from scripts. */
async function statistics(): Promise<Record<string, number>> {
  const text = String(await redis.command("INFO", "commandstats"));
  return Object.fromEntries(
    [...text.matchAll(/^cmdstat_(\S+?):calls=(\d+)/gm)].map(([, name, calls]) => [String(name), Number(calls)]),
  );
}

describe("a memory is one list", () => {
  it("of a header and an entry for each append", async () => {
    const backend = redis.open();
    const before = Date.now();
    const first = await backend.append(ID, [{ n: 1, text: "é😀\n" }, { n: 2 }], { operationId: "one" });
    const second = await backend.append(ID, [{ n: 3 }], { operationId: "two" });
    expect(await redis.command("KEYS", "*")).toEqual(expect.arrayContaining([key(ID), index()]));
    expect(await redis.command("TYPE", key(ID))).toBe("list");
    const { epoch, created, updated, ...rest } = await headerOf(ID);
    expect(rest).toEqual({ mark: "#1", records: 3, dropped: 0 });
    expect(created).toBeGreaterThanOrEqual(before - 1_000);
    expect(updated).toBeGreaterThanOrEqual(created);
    const [, one = "", two = "", ...more] = await redis.elements(ID);
    expect(more).toEqual([]);
    const [at1, at2] = [one, two].map((entry) => /"at":(\d{16}),/.exec(entry)?.[1]);
    expect(one).toBe(`{"t":"one","at":${at1},"r":[{"n":1,"text":"é😀\\n"},{"n":2}]}`);
    expect(two).toBe(`{"t":"two","at":${at2},"r":[{"n":3}]}`);
    expect(Math.floor(Number(at1) / 1000)).toBe(created);
    expect(Math.floor(Number(at2) / 1000)).toBe(updated);
    expect([first, second]).toEqual([`${epoch}.1.${at1}`, `${epoch}.2.${at2}`]);
  });

  it("of one entry for each saved record, after a mark with the names of saves", async () => {
    const backend = redis.open();
    await backend.append(ID, notes(0, 1));
    const { created, epoch: old } = await headerOf(ID);
    await backend.save(ID, notes(7, 2), { operationId: "mine" });
    const { epoch, ...header } = await headerOf(ID);
    expect(epoch).not.toBe(old);
    expect(header).toMatchObject({ mark: "#1", created, records: 2, dropped: 0 });
    const entries = (await redis.elements(ID)).slice(1).map((text) => text.replace(/"at":\d{16}/, '"at":AT'));
    expect(entries).toEqual([
      expect.stringMatching(/^\{"t":"save:","at":AT,"r":\[\],"saves":\["mine"\],"appends":\[\],"end":"3\.\d{16}"\}$/),
      `{"t":"${epoch}","at":AT,"r":[{"n":7}]}`,
      `{"t":"${epoch}","at":AT,"r":[{"n":8}]}`,
    ]);
    await backend.save(ID, []);
    expect(await redis.elements(ID)).toHaveLength(2);
    expect((await headerOf(ID)).records).toBe(0);
  });

  it("with the names of the newest 64 saves", async () => {
    const backend = redis.open();
    for (let n = 0; n < 70; n++) await backend.save(ID, notes(n, 1), { operationId: `s${n}` });
    expect((await markOf(ID))?.saves).toEqual(Array.from({ length: 64 }, (_, n) => `s${n + 6}`));
    const before = await redis.elements(ID);
    await backend.save(ID, notes(0, 1), { operationId: "s6" });
    expect(await redis.elements(ID)).toEqual(before);
    await backend.save(ID, notes(5, 1), { operationId: "s5" });
    expect(await backend.load(ID)).toEqual(notes(5, 1));
  });

  it("from which retention removes whole entries, and counts them", async () => {
    const backend = redis.open({ maxRecords: 4 });
    for (let n = 0; n < 10; n += 2) await backend.append(ID, notes(n, 2));
    // A mark stands in the place of the last entry that was removed.
    expect(await headerOf(ID)).toMatchObject({ records: 4, dropped: 2 });
    expect(await redis.elements(ID)).toHaveLength(4);
    // One entry has more records than the memory may keep: it stays.
    await backend.append(ID, notes(10, 9));
    expect(await headerOf(ID)).toMatchObject({ records: 9, dropped: 4 });
    expect(await backend.load(ID)).toEqual(notes(10, 9));
    await backend.save(ID, notes(0, 6));
    expect(await headerOf(ID)).toMatchObject({ records: 4, dropped: 2 });
  });

  it("that can hold 20,000 records of one save", async () => {
    const backend = redis.open();
    const many = Array.from({ length: 20_000 }, (_, n) => ({ n, text: `語😀${n}` }));
    await backend.append(ID, notes(0, 1));
    await backend.save(ID, many);
    expect(await redis.command("LLEN", key(ID))).toBe(20_001);
    expect((await headerOf(ID)).records).toBe(20_000);
    expect(await backend.load(ID)).toEqual(many);
    expect((await backend.read(ID, { last: 3 }))?.records).toEqual(many.slice(-3));
    await backend.save("new", many);
    expect(await backend.load("new")).toEqual(many);
    await backend.append("together", many);
    expect(await redis.command("LLEN", key("together"))).toBe(2);
    expect(await backend.load("together")).toEqual(many);
  });

  it("in bytes of UTF-8", async () => {
    const backend = redis.open();
    await backend.append("語😀", [{ n: 1, text: "語😀" }], { operationId: "x" });
    const [header = "", entry = ""] = await redis.elements("語😀");
    expect(await redis.command("EVAL", "return #redis.call('LINDEX', KEYS[1], 1)", "1", key("語😀"))).toBe(
      Buffer.byteLength(entry),
    );
    expect(entry).toContain('"text":"語😀"');
    expect(header).not.toContain("語");
  });
});

describe("a memory lives as long as its TTL says", () => {
  it("a week from its last write, by default", async () => {
    const backend = redis.open();
    await backend.append(ID, notes(0, 1));
    expectAWeek(await toLive(ID));
    for (const write of [
      () => backend.append(ID, notes(1, 1)),
      () => backend.save(ID, notes(0, 3)),
      () => backend.touch(ID),
    ]) {
      await redis.command("PEXPIRE", key(ID), "60000");
      await write();
      expectAWeek(await toLive(ID));
    }
    await backend.save("saved", notes(0, 1));
    expectAWeek(await toLive("saved"));
    expect(await redis.command("PTTL", index())).toBe(-1);
  });

  it("and not longer if it is read", async () => {
    const backend = redis.open();
    await backend.append(ID, notes(0, 1));
    await redis.command("PEXPIRE", key(ID), "60000");
    await backend.load(ID);
    await backend.read(ID, { last: 1 });
    await backend.list();
    const { expiresAt, updatedAt } = (await backend.info(ID)) ?? {};
    expect(Math.abs((expiresAt ?? 0) - (updatedAt ?? 0) - 60_000)).toBeLessThan(10_000);
    expect(await toLive(ID)).toBeLessThanOrEqual(60_000);
  });

  it.each([0, null, "0"])("for ever with %p, even if it had a TTL before", async (ttl) => {
    const backend = redis.open({ ttl });
    for (const write of [
      () => backend.append(ID, notes(0, 1)),
      () => backend.append(ID, notes(1, 1)),
      () => backend.save(ID, notes(0, 3)),
      () => backend.touch(ID),
    ]) {
      await write();
      expect(await toLive(ID)).toBe(-1);
      await redis.command("PEXPIRE", key(ID), "60000");
    }
    await backend.touch(ID);
    expect((await backend.info(ID))?.expiresAt).toBeNull();
  });

  it("and expires then", async () => {
    const backend = redis.open({ ttl: 50 });
    const revision = await backend.append(ID, notes(0, 1));
    await redis.command("PEXPIRE", key(ID), "0");
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.read(ID)).toBeNull();
    expect(await backend.info(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
    await backend.touch(ID);
    expect(await backend.load(ID)).toBeNull();
    await expect(backend.append(ID, notes(1, 1), { since: revision })).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

describe("the index is a sorted set", () => {
  it("of ids by the time of their last entry", async () => {
    const backend = redis.open();
    await backend.append("a", notes(0, 1));
    const revision = await backend.append("b😀 {x}", notes(0, 1));
    await backend.append("a", notes(1, 1));
    const members = ((await redis.command("ZRANGE", index(), "0", "-1", "WITHSCORES")) as unknown[]).flat().map(String);
    const last = (await backend.read("a"))?.revision ?? "";
    expect(members).toEqual(["b😀 {x}", revision.split(".").at(-1), "a", last.split(".").at(-1)]);
    await backend.save("b😀 {x}", notes(0, 2));
    expect(await redis.command("ZRANGE", index(), "0", "-1")).toEqual(["a", "b😀 {x}"]);
    await backend.delete("a");
    expect(await redis.command("ZRANGE", index(), "0", "-1")).toEqual(["b😀 {x}"]);
    await backend.delete("b😀 {x}");
    expect(await redis.command("KEYS", `*${redis.prefix}*`)).toEqual([]);
  });

  it("with a name that no pattern of memories matches", () => {
    for (const prefix of ["app:", "@", "@recent:", "#recent:", "a", "@recent:@"]) {
      const settings = memorySettings({ prefix }, false);
      expect(indexKeyOf(settings)).toMatch(/^[@#]recent:/);
      expect(indexKeyOf(settings).startsWith(prefix)).toBe(false);
      expect(indexKeyOf(settings).endsWith(`recent:${prefix}`)).toBe(true);
    }
  });

  it("and does not exist if no index is kept", async () => {
    const backend = redis.open({ index: false });
    await backend.append("a", notes(0, 1));
    await backend.append("a", notes(1, 1));
    await backend.save("a", notes(0, 1));
    await backend.delete("a");
    await backend.save("a", notes(0, 1));
    expect(await redis.command("KEYS", `*${redis.prefix}*`)).toEqual([key("a")]);
  });
});

describe("the backend sends", () => {
  const documented = [
    ...["evalsha", "eval", "time", "type", "ping", "scan"],
    ...["lindex", "llen", "lrange", "lset", "ltrim", "rpush", "get", "unlink"],
    ...["pexpire", "persist", "pttl", "memory|usage", "zadd", "zrem", "zrange", "zrandmember", "zscore"],
  ];

  it("scripts by SHA-1, and their text only if the server does not know them", async () => {
    const backend = redis.open();
    await redis.command("SCRIPT", "FLUSH");
    await redis.command("CONFIG", "RESETSTAT");
    for (let n = 0; n < 20; n++) await backend.append(ID, notes(n, 1));
    expect(await statistics()).toMatchObject({ evalsha: 20, eval: 1 });
    await redis.command("SCRIPT", "FLUSH");
    for (let n = 20; n < 40; n++) await backend.append(ID, notes(n, 1));
    expect(await statistics()).toMatchObject({ evalsha: 40, eval: 2 });
    expect(await backend.load(ID)).toEqual(notes(0, 40));
  });

  it("one command for each call after the server's time is known", async () => {
    const backend = redis.open();
    await backend.append(ID, notes(0, 3));
    await backend.touch(ID);
    const since = (await backend.read(ID, { last: 1 }))?.revision;
    await backend.read(ID, { since });
    for (const [what, call] of [
      ["evalsha", () => backend.append(ID, notes(3, 1), { since })],
      ["evalsha", () => backend.read(ID, { since, last: 1 })],
      ["lrange", () => backend.load(ID)],
      ["ping", () => backend.ping()],
      ["evalsha", () => backend.touch(ID)],
    ] as const) {
      await redis.command("CONFIG", "RESETSTAT");
      await call();
      const { time = 0, ...sent } = await statistics();
      expect({ what, calls: sent[what] }).toEqual({ what, calls: 1 });
      // A call uses a script, or no script at all.
      expect(time).toBe(what === "evalsha" ? 1 : 0);
      expect(sent["eval"] ?? 0).toBe(0);
    }
  });

  it("only these commands", async () => {
    await redis.command("SCRIPT", "FLUSH");
    const conversation = '[{"Role":"user","Content":"hi","ToolCalls":null,"ToolCallID":""}]';
    await redis.command("SET", key("go"), conversation);
    await redis.command("SET", key("go-deleted"), conversation);
    await redis.command("CONFIG", "RESETSTAT");
    for (const ttl of ["1h", null]) {
      const backend = redis.open<object>({ ttl, maxRecords: 5 });
      for (let n = 0; n < 9; n++) await backend.append(ID, notes(n, 2));
      await backend.append("other", notes(0, 1));
      await backend.append("go", [{ n: 1 }]);
      await backend.save(ID, notes(0, 3), { operationId: "x" });
      await backend.touch(ID);
      await backend.ping();
      await backend.load(ID);
      await backend.load("go-deleted");
      await backend.read(ID, { last: 1 });
      await backend.info(ID);
      await backend.list();
      await backend.recent?.({ limit: 1 });
      await backend.delete(ID);
      await backend.delete("go-deleted");
    }
    const gone = redis.open();
    await gone.append("gone", notes(0, 1));
    await redis.command("DEL", key("gone"));
    await gone.recent?.({ limit: 9 });
    const sent = new Set(Object.keys(await statistics()));
    // The commands to connect, and those of this test.
    for (const own of ["hello", "select", "config|resetstat", "info", "del", "auth"]) sent.delete(own);
    expect([...sent].sort()).toEqual([...documented].sort());
  });
});
