import { type Capability, capabilityMethods, newId, supports } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { RedisBackend } from "../src/index.ts";
import { type Note, notes, rejectionOf, useServer } from "./support/backends.ts";

const redis = useServer();
const ID = "user-alice";

let backend: RedisBackend<Note>;
beforeEach(() => {
  backend = redis.open();
});

/** A second backend on the same memories, as another process has it: it knows nothing of the first. */
function another(): RedisBackend<Note> {
  return redis.open();
}

/** A page of the index, which is kept where nothing else is said. */
function recent(one: RedisBackend<Note>, options: Parameters<NonNullable<RedisBackend["recent"]>>[0]) {
  if (one.recent === undefined) throw new Error("There is no index.");
  return one.recent(options);
}

describe("absent and empty are two things", () => {
  it("gives null for what is not there", async () => {
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.read(ID, { last: 1 })).toBeNull();
    expect(await backend.read(ID, { since: "x.1.1" })).toBeNull();
    expect(await backend.info(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
    expect(await recent(backend, { limit: 1 })).toEqual({ memories: [], cursor: null });
    await backend.delete(ID);
  });

  it("gives an empty list for what was saved empty", async () => {
    await backend.save(ID, []);
    expect(await backend.load(ID)).toEqual([]);
    expect(await backend.read(ID)).toMatchObject({ records: [], start: null, reset: false, regressed: false });
    expect(await backend.info(ID)).toMatchObject({ records: 0 });
    expect(await backend.list()).toEqual([ID]);
    expect((await recent(backend, { limit: 1 })).memories).toMatchObject([{ memoryId: ID }]);
  });

  it("also where it held something before", async () => {
    await backend.append(ID, notes(0, 3));
    await backend.save(ID, []);
    expect(await backend.load(ID)).toEqual([]);
    expect(await another().load(ID)).toEqual([]);
  });
});

describe("what went in comes out equal", () => {
  const everyCharacter = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit)).join("");

  it.each<[string, object]>([
    ["unknown fields", { role: "user", content: "hi", futureField: { deep: [1, { x: null }] } }],
    [
      "null content and tool calls",
      { role: "assistant", content: null, toolCalls: [{ id: "1", name: "f", arguments: "{}" }] },
    ],
    ["every UTF-16 code unit, lone surrogates too", { text: everyCharacter }],
    ["every plane", { text: "a\u0000b\n\r\u2028é語😀👩‍👩‍👧‍👦\u{10ffff}" }],
    ["numbers", { n: [0, 1e308, -1e-300, 5e-324, 2 ** 53, 0.1, -17] }],
    ["keys of every kind", { "": 1, " ": 2, constructor: 3, "a.b": 4, "\n": 5, t: "x", from: 7, "😀": 6 }],
    ["what looks like our own lines", { text: '\n[12,34,"entry",{"t":"x"},"00000000"]', r: ["deadbeef"] }],
    ["deep nesting", JSON.parse(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`) as object],
    ["half a megabyte in one string", { text: "x".repeat(700_000) }],
  ])("%s", async (_what, record) => {
    const any = redis.open<object>();
    await any.append("a", [record, record]);
    await any.save("b", [record]);
    await any.append("b", [record]);
    const fresh = redis.open<object>();
    for (const one of [any, fresh]) {
      expect(await one.load("a")).toEqual([record, record]);
      expect(await one.load("b")).toEqual([record, record]);
      expect((await one.read("a", { last: 1 }))?.records).toEqual([record, record]);
    }
  });

  it("and is aliased to nothing of the caller's", async () => {
    const record = { n: 1, inner: { list: [1] } };
    const any = redis.open<typeof record>();
    const pending = any.append(ID, [record]);
    record.inner.list.push(2);
    await pending;
    const first = await any.load(ID);
    first?.[0]?.inner.list.push(3);
    expect(await any.load(ID)).toEqual([{ n: 1, inner: { list: [1] } }]);
  });

  it.each<[string, unknown]>([
    ["bigint", { a: 1n }],
    ["NaN", { a: Number.NaN }],
    ["Infinity", { a: Number.POSITIVE_INFINITY }],
    ["Date", { a: new Date(0) }],
    ["Map", { a: new Map() }],
    ["binary", { a: new Uint8Array(2) }],
    ["undefined in an array", { a: [undefined] }],
    ["a __proto__ key", JSON.parse('{"__proto__":{"x":1}}')],
    ["an array for a record", [1]],
    ["null for a record", null],
  ])("or is refused: %s", async (_what, record) => {
    await backend.append(ID, notes(0, 1));
    const before = await redis.elements(ID);
    const records = [{ n: 1 }, record] as Note[];
    await expect(backend.append(ID, records)).rejects.toMatchObject({ code: "INVALID_RECORD", outcome: "not-applied" });
    await expect(backend.save(ID, records)).rejects.toMatchObject({ code: "INVALID_RECORD", outcome: "not-applied" });
    await expect(backend.append("other", records)).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(await redis.elements(ID)).toEqual(before);
    expect(await backend.list()).toEqual([ID]);
  });

  it("and an append of nothing is refused", async () => {
    await expect(backend.append(ID, [])).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(await backend.load(ID)).toBeNull();
  });

  it("and a stored __proto__ is CORRUPT, in a message that says where", async () => {
    await backend.append(ID, notes(0, 1));
    const entry = '{"t":"x","at":9999999999999999,"r":[{"__proto__":{"canary":1}}]}';
    await redis.command("RPUSH", redis.prefix + ID, entry);
    const error = await rejectionOf(backend.load(ID));
    expect(error).toMatchObject({ code: "CORRUPT", backend: "redis", memoryId: ID });
    expect(String(error)).toContain("entry 2");
    expect(String(error)).not.toContain("canary");
  });
});

describe("ids are safe, whatever they hold", () => {
  const hostile = [
    "../../etc/passwd",
    "a/b",
    "a\\b",
    ".",
    "..",
    "...",
    "CON",
    "con",
    "Con",
    "nul.txt",
    "com1",
    "Alice",
    "alice",
    "ALICE",
    "é",
    "e\u0301",
    "x".repeat(1024),
    `${"x".repeat(1023)}y`,
    "語".repeat(341),
    `${"語".repeat(340)}話`,
    "😀",
    "a b",
    " ",
    " a",
    "a ",
    "a.",
    "line\nbreak",
    "\0",
    "*",
    "a*",
    "[a]",
    "?",
    "{a,b}",
    "%41",
    "A",
    "%2541",
    "~",
    "~a",
    "-",
    "--help",
    "$HOME",
    "`id`",
    "a.1.jsonl",
    "a",
    "a.1",
    "constructor",
    "__proto__",
    "\u202eevil",
    ".tmp",
    "x.tmp",
  ];

  it("each is a memory of its own, and listed as it is", async () => {
    for (const [index, id] of hostile.entries()) await backend.append(id, notes(index, 1));
    const fresh = another();
    for (const [index, id] of hostile.entries()) expect(await fresh.load(id)).toEqual(notes(index, 1));
    expect((await fresh.list()).sort()).toEqual([...hostile].sort());
    for (const id of hostile.slice(0, -1)) await fresh.delete(id);
    expect(await fresh.list()).toEqual(hostile.slice(-1));
  });

  it("lists by a prefix that is taken literally", async () => {
    const long = `${"x".repeat(1000)}`;
    for (const id of ["app:1", "app:2", "app", "ap*", "app[1]:", "App:1", "%61pp:", `${long}a`])
      await backend.append(id, notes(0, 1));
    expect((await backend.list({ prefix: "app:" })).sort()).toEqual(["app:1", "app:2"]);
    expect(await backend.list({ prefix: "ap*" })).toEqual(["ap*"]);
    expect(await backend.list({ prefix: "app[1]:" })).toEqual(["app[1]:"]);
    expect(await backend.list({ prefix: long })).toEqual([`${long}a`]);
    expect(await backend.list({ prefix: "%61" })).toEqual(["%61pp:"]);
    expect(await backend.list({ prefix: "nobody" })).toEqual([]);
    expect(await backend.list({ prefix: "" })).toHaveLength(8);
    expect(
      (await recent(backend, { limit: 9, prefix: "app:" })).memories.map(({ memoryId }) => memoryId).sort(),
    ).toEqual(["app:1", "app:2"]);
  });

  it.each<[string, unknown]>([
    ["empty", ""],
    ["a lone surrogate", "a\ud800"],
    ["1,025 bytes", "x".repeat(1025)],
    ["1,026 bytes in CJK", "語".repeat(342)],
    ["no string", 7],
  ])("and refused by every method where they are none: %s", async (_what, id) => {
    const bad = id as string;
    for (const call of [
      () => backend.load(bad),
      () => backend.save(bad, notes(0, 1)),
      () => backend.delete(bad),
      () => backend.append(bad, notes(0, 1)),
      () => backend.read(bad),
      () => backend.info(bad),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "INVALID_MEMORY_ID", outcome: "not-applied" });
    }
  });
});

describe("a save replaces everything", () => {
  it("and what is appended behind it stays", async () => {
    await backend.append(ID, notes(0, 3));
    await backend.save(ID, notes(10, 4));
    await backend.append(ID, notes(14, 1));
    expect(await backend.load(ID)).toEqual(notes(10, 5));
    await backend.save(ID, notes(20, 1));
    expect(await backend.load(ID)).toEqual(notes(20, 1));
  });

  it("once for each operation, also where another save has replaced it since", async () => {
    await backend.save(ID, notes(0, 2), { operationId: "one" });
    await backend.save(ID, notes(0, 2), { operationId: "one" });
    await backend.append(ID, notes(2, 1));
    await backend.save(ID, notes(0, 2), { operationId: "one" });
    expect(await backend.load(ID)).toEqual(notes(0, 3));
    await backend.save(ID, notes(5, 1), { operationId: "two" });
    await another().save(ID, notes(0, 2), { operationId: "one" });
    expect(await backend.load(ID)).toEqual(notes(5, 1));
  });

  it("only at the expected revision, if one is given", async () => {
    await expect(backend.save(ID, notes(0, 1), { expectedRevision: "x.1.1" })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await backend.save(ID, notes(0, 1), { expectedRevision: null });
    const revision = (await backend.read(ID))?.revision ?? "";
    await backend.append(ID, notes(1, 1));
    const before = await redis.elements(ID);
    for (const expectedRevision of [revision, null]) {
      const error = await rejectionOf(backend.save(ID, notes(7, 1), { expectedRevision }));
      expect(error).toMatchObject({ code: "CONFLICT", outcome: "not-applied", memoryId: ID });
    }
    expect(await redis.elements(ID)).toEqual(before);
    await backend.save(ID, notes(7, 1), { expectedRevision: (await backend.read(ID))?.revision });
    expect(await backend.load(ID)).toEqual(notes(7, 1));
  });
});

describe("a delete leaves nothing", () => {
  it("under the key or in the index, and does not mind what is not there", async () => {
    await backend.append(ID, notes(0, 1));
    await backend.append("bob", notes(0, 1));
    await backend.delete(ID);
    await backend.delete(ID);
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.list()).toEqual(["bob"]);
    expect(await backend.load("bob")).toEqual(notes(0, 1));
    expect(await redis.command("ZRANGE", `@recent:${redis.prefix}`, "0", "-1")).toEqual(["bob"]);
  });

  it("of another memory's, whose id begins alike", async () => {
    for (const id of ["user", "user:42", "user.1", "user*"]) await backend.append(id, notes(0, 1));
    await backend.delete("user");
    expect((await backend.list()).sort()).toEqual(["user*", "user.1", "user:42"]);
  });

  it("and what comes after it is a new memory, which no earlier revision speaks of", async () => {
    const first = await backend.append(ID, notes(0, 1));
    await backend.delete(ID);
    await expect(backend.append(ID, notes(1, 1), { since: first })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(backend.append(ID, notes(1, 1), { expectedRevision: first })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(await backend.load(ID)).toBeNull();
    await backend.append(ID, notes(2, 1), { since: null, expectedRevision: null });
    expect(await backend.read(ID, { since: first })).toMatchObject({
      records: notes(2, 1),
      reset: true,
      regressed: false,
    });
    for (let round = 0; round < 3; round++) {
      await backend.delete(ID);
      await backend.append(ID, notes(round, 1));
      expect(await another().load(ID)).toEqual(notes(round, 1));
    }
  });

  it("is not undone by a backend that knows the memory of before", async () => {
    const other = another();
    await other.append(ID, notes(0, 1));
    await backend.delete(ID);
    expect(await other.load(ID)).toBeNull();
    await other.append(ID, notes(1, 1));
    expect(await backend.load(ID)).toEqual(notes(1, 1));
  });
});

describe("an operation is stored once", () => {
  it("behind what its caller knew, and answered as the first time", async () => {
    const since = await backend.append(ID, notes(0, 1));
    const first = await backend.append(ID, notes(1, 2), { operationId: "turn", since });
    await backend.append(ID, notes(3, 1));
    for (const one of [backend, another()]) {
      expect(await one.append(ID, notes(1, 2), { operationId: "turn", since })).toBe(first);
    }
    expect(await backend.load(ID)).toEqual(notes(0, 4));
  });

  it("where its caller knew of no memory", async () => {
    const first = await backend.append(ID, notes(0, 1), { operationId: "turn", since: null });
    for (let n = 1; n < 80; n++) await backend.append(ID, notes(n, 1));
    expect(await backend.append(ID, notes(0, 1), { operationId: "turn", since: null })).toBe(first);
    expect(await backend.load(ID)).toEqual(notes(0, 80));
  });

  it("before its expected revision is judged", async () => {
    const first = await backend.append(ID, notes(0, 1), { operationId: "turn", expectedRevision: null });
    expect(await backend.append(ID, notes(0, 1), { operationId: "turn", expectedRevision: null })).toBe(first);
  });

  it("among the last 64 entries where it is not said since when, and no further", async () => {
    await backend.append(ID, notes(0, 1), { operationId: "turn" });
    for (let n = 1; n < 64; n++) await backend.append(ID, notes(n, 1));
    await backend.append(ID, notes(0, 1), { operationId: "turn" });
    expect(await backend.load(ID)).toEqual(notes(0, 64));
    await backend.append(ID, notes(64, 1));
    await backend.append(ID, notes(65, 1), { operationId: "turn" });
    expect(await backend.load(ID)).toEqual(notes(0, 66));
  });

  it("only if it lies behind a since that is still true", async () => {
    await backend.append(ID, notes(0, 1), { operationId: "turn" });
    const since = await backend.append(ID, notes(1, 1));
    await backend.append(ID, notes(2, 1), { operationId: "turn", since });
    expect(await backend.load(ID)).toEqual(notes(0, 3));
  });

  it("anywhere in the log, where that is no longer the one that since speaks of", async () => {
    const since = await backend.append(ID, notes(0, 1));
    await backend.save(ID, notes(0, 1));
    const first = await backend.append(ID, notes(1, 1), { operationId: "turn" });
    for (let n = 2; n < 90; n++) await backend.append(ID, notes(n, 1));
    expect(await backend.append(ID, notes(1, 1), { operationId: "turn", since })).toBe(first);
    const before = await redis.elements(ID);
    const error = await rejectionOf(backend.append(ID, notes(9, 1), { operationId: "new", since }));
    expect(error).toMatchObject({ code: "CONFLICT", outcome: "not-applied", backend: "redis", memoryId: ID });
    expect(await redis.elements(ID)).toEqual(before);
  });

  it("not where since says that there was no memory, and there is one without it", async () => {
    await backend.append(ID, notes(0, 1));
    const before = await redis.elements(ID);
    await expect(backend.append(ID, notes(1, 1), { since: null })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(backend.append(ID, notes(1, 1), { expectedRevision: null })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await expect(backend.append(ID, notes(1, 1), { since: "another backend's" })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(await redis.elements(ID)).toEqual(before);
  });

  it("and an append at the expected revision is the next one, or none", async () => {
    const seen = await backend.append(ID, notes(0, 1));
    const results = await Promise.allSettled(
      [backend, another(), another()].map((one, n) => one.append(ID, notes(n + 1, 1), { expectedRevision: seen })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await backend.load(ID)).toHaveLength(2);
  });

  it("also by many writers of one process, each entry in one piece", async () => {
    const writers = [backend, another(), another(), another()];
    const writes = writers.flatMap((one, w) =>
      Array.from({ length: 10 }, (_, n) => one.append(ID, notes(w * 100 + n * 10, 3))),
    );
    const revisions = await Promise.all(writes);
    expect(new Set(revisions).size).toBe(40);
    const all = (await backend.load(ID)) ?? [];
    expect(all).toHaveLength(120);
    for (let at = 0; at < all.length; at += 3) expect(all.slice(at, at + 3)).toEqual(notes(all[at]?.n ?? -1, 3));
    for (const w of [0, 1, 2, 3]) {
      const own = all.map(({ n }) => n).filter((n) => Math.floor(n / 100) === w);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });
});

describe("a read gives whole entries of what was asked for", () => {
  beforeEach(async () => {
    await backend.append(ID, notes(0, 3));
    await backend.append(ID, notes(3, 2));
    await backend.append(ID, notes(5, 1));
  });

  it.each([
    [1, notes(5, 1)],
    [2, notes(3, 3)],
    [3, notes(3, 3)],
    [4, notes(0, 6)],
    [99, notes(0, 6)],
    [undefined, notes(0, 6)],
  ])("the newest that hold %p", async (last, records) => {
    const snapshot = await backend.read(ID, { last });
    expect(snapshot).toMatchObject({ records, reset: false, regressed: false });
    expect(snapshot?.start === null).toBe(records.length === 6);
  });

  it("what came since, by others too", async () => {
    const { revision } = (await backend.read(ID, { last: 1 })) ?? { revision: "" };
    expect(await backend.read(ID, { since: revision })).toMatchObject({ records: [], revision, reset: false });
    await another().append(ID, notes(6, 2));
    const next = await backend.read(ID, { since: revision });
    expect(next).toMatchObject({ records: notes(6, 2), reset: false, regressed: false });
    expect(next?.revision).not.toBe(revision);
    // From where that begins, back to the beginning.
    expect(await backend.read(ID, { before: next?.start ?? "" })).toMatchObject({
      records: notes(0, 6),
      start: null,
      reset: false,
    });
  });

  it("no more than the newest of what came since, and says that it cut", async () => {
    const { revision } = (await backend.read(ID)) ?? { revision: "" };
    for (let n = 6; n < 10; n++) await backend.append(ID, notes(n, 1));
    expect(await backend.read(ID, { since: revision, last: 4 })).toMatchObject({ records: notes(6, 4), reset: false });
    const cut = await backend.read(ID, { since: revision, last: 3 });
    expect(cut).toMatchObject({ records: notes(7, 3), reset: true, regressed: false });
    expect(await backend.read(ID, { before: cut?.start ?? "", last: 2 })).toMatchObject({
      records: notes(5, 2),
      reset: false,
    });
  });

  it.each([1, 2, 3, 7])("pages of %i back to the beginning, whatever is appended meanwhile", async (last) => {
    await backend.save(ID, notes(0, 4));
    for (let n = 4; n < 20; n += 2) await backend.append(ID, notes(n, 2));
    let page = await backend.read(ID, { last });
    let records = page?.records ?? [];
    for (let pages = 0; page?.start != null && pages < 50; pages++) {
      await another().append(ID, notes(100, 1));
      page = await another().read(ID, { last, before: page.start });
      expect(page).toMatchObject({ reset: false, regressed: false });
      expect(page?.records.length).toBeGreaterThan(0);
      records = [...(page?.records ?? []), ...records];
    }
    expect(page?.start).toBeNull();
    expect(records).toEqual(notes(0, 20));
  });

  it("says that what was known is gone when a save has come between", async () => {
    const { revision, start } = (await backend.read(ID, { last: 1 })) ?? {};
    await backend.save(ID, notes(50, 2));
    await backend.append(ID, notes(52, 1));
    expect(await backend.read(ID, { since: revision })).toMatchObject({
      records: notes(50, 3),
      start: null,
      reset: true,
      regressed: false,
    });
    expect(await backend.read(ID, { since: revision, last: 1 })).toMatchObject({ records: notes(52, 1), reset: true });
    expect(await backend.read(ID, { before: start ?? "" })).toMatchObject({
      records: notes(50, 3),
      reset: true,
      regressed: false,
    });
  });

  it("does not take another backend's revisions for its own", async () => {
    expect(await backend.read(ID, { since: "0-1" })).toMatchObject({
      records: notes(0, 6),
      reset: true,
      regressed: false,
    });
    expect(await backend.read(ID, { before: "0-1" })).toMatchObject({
      records: notes(0, 6),
      reset: true,
      regressed: false,
    });
  });

  it("says that the store has lost what it had", async () => {
    const earlier = await redis.elements(ID);
    const { revision: kept } = (await backend.read(ID)) ?? { revision: "" };
    const lost = await backend.append(ID, notes(6, 1));
    await backend.append(ID, notes(7, 1));
    // As a failover to a replica that lagged behind would leave it.
    await redis.command("DEL", redis.prefix + ID);
    await redis.command("RPUSH", redis.prefix + ID, ...earlier);
    expect(await backend.read(ID, { since: lost })).toMatchObject({
      records: notes(0, 6),
      reset: true,
      regressed: true,
    });
    for (let n = 70; n < 75; n++) await another().append(ID, notes(n, 1));
    // As long as before, and longer, but another.
    expect(await backend.read(ID, { since: lost })).toMatchObject({ reset: true, regressed: true });
    expect(await backend.read(ID, { since: kept })).toMatchObject({
      records: notes(70, 5),
      reset: false,
      regressed: false,
    });
    await expect(backend.append(ID, notes(9, 1), { since: lost })).rejects.toMatchObject({ code: "CONFLICT" });
  });

  it("refuses options that are none", async () => {
    for (const options of [
      { last: 0 },
      { last: 1.5 },
      { last: Number.NaN },
      { since: "" },
      { since: "a", before: "b" },
    ]) {
      await expect(backend.read(ID, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
  });
});

describe("the catalogue knows what was written last", () => {
  const written = ["one", "two", "three", "x".repeat(1000), "four"];
  beforeEach(async () => {
    for (const id of written) await backend.append(id, notes(0, 1));
  });

  it("newest first, in pages, each once", async () => {
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await recent(backend, { limit: 2, ...(cursor && { cursor }) });
      expect(page.memories.length).toBeLessThanOrEqual(2);
      seen.push(...page.memories.map(({ memoryId }) => memoryId));
      cursor = page.cursor;
    }
    expect(seen).toEqual([...written].reverse());
  });

  it("and pages on while others write, delete and begin", async () => {
    const first = await recent(backend, { limit: 2 });
    expect(first.memories.map(({ memoryId }) => memoryId)).toEqual(["four", "x".repeat(1000)]);
    await backend.append("four", notes(1, 1));
    await backend.append("new", notes(0, 1));
    await backend.delete("two");
    const second = await recent(backend, { limit: 2, cursor: first.cursor ?? "" });
    expect(second.memories.map(({ memoryId }) => memoryId)).toEqual(["three", "one"]);
    expect(second.cursor).toBeNull();
  });

  it("with times that are those of the writing", async () => {
    const { memories } = await recent(backend, { limit: 1 });
    expect(Math.abs(Date.now() - (memories[0]?.updatedAt ?? 0))).toBeLessThan(20_000);
  });

  it("does not take anything for a cursor", async () => {
    for (const cursor of ["", "nonsense", "12", "12."]) {
      await expect(recent(backend, { limit: 1, cursor })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await expect(recent(backend, { limit: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("it tells facts about a memory", () => {
  it("how much is in it, and since when", async () => {
    const started = Date.now();
    await backend.append(ID, notes(0, 3));
    const first = await backend.info(ID);
    expect(first).toMatchObject({ records: 3 });
    expect(first?.createdAt).toBeGreaterThanOrEqual(started - 2);
    expect(first?.updatedAt).toBe(first?.createdAt);
    expect(first?.bytes).toBeGreaterThan((await redis.elements(ID)).join("").length);
    // In a week, by the default.
    expect((first?.expiresAt ?? 0) - (first?.updatedAt ?? 0)).toBeGreaterThan(604_799_000 - 5_000);
    expect((first?.expiresAt ?? 0) - (first?.updatedAt ?? 0)).toBeLessThan(604_800_000 + 5_000);
    expect(await redis.open({ ttl: 0, prefix: `${redis.prefix}never:` }).append("x", notes(0, 1))).toContain(".1.");
    expect((await redis.open({ prefix: `${redis.prefix}never:` }).info("x"))?.expiresAt).toBeNull();
    await backend.save(ID, notes(0, 5));
    await backend.append(ID, notes(5, 2));
    const later = await backend.info(ID);
    expect(later).toMatchObject({ records: 7, createdAt: first?.createdAt });
    expect(later?.updatedAt).toBeGreaterThanOrEqual(first?.updatedAt ?? Number.NaN);
  });

  it("and answers a ping", async () => {
    const { latencyMs } = await backend.ping();
    expect(latencyMs).toBeGreaterThan(0);
  });
});

describe("it has every capability", () => {
  it.each(Object.keys(capabilityMethods) as Capability[])("%s", (capability) => {
    expect(supports(backend, capability)).toBe(true);
  });
});

/** Every method with arguments that are as they should be. */
const calls: [string, (backend: RedisBackend<Note>, options?: { signal: AbortSignal }) => Promise<unknown>][] = [
  ["load", (one, options) => one.load(ID, options)],
  ["save", (one, options) => one.save(ID, notes(0, 1), options)],
  ["delete", (one, options) => one.delete(ID, options)],
  ["list", (one, options) => one.list(options)],
  ["append", (one, options) => one.append(ID, notes(0, 1), options)],
  ["read", (one, options) => one.read(ID, options)],
  ["ping", (one, options) => one.ping(options)],
  ["info", (one, options) => one.info(ID, options)],
  ["touch", (one, options) => one.touch(ID, options)],
  ["recent", (one, options) => recent(one, { limit: 1, ...options })],
];

describe("a closed backend refuses every call", () => {
  it.each(calls)("%s", async (_method, call) => {
    await backend.append(ID, notes(0, 1));
    const before = await redis.elements(ID);
    await backend.close();
    await backend.close();
    await expect(call(backend)).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied", backend: "redis" });
    expect(await redis.elements(ID)).toEqual(before);
  });

  it("closed by `await using`", async () => {
    let left: RedisBackend<Note>;
    {
      await using one = another();
      await one.ping();
      left = one;
    }
    await expect(left.ping()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("and waits for the calls in flight", async () => {
    await backend.ping();
    await redis.server.freeze();
    const append = backend.append(ID, notes(0, 1));
    const found = backend.close().then(() => redis.elements(ID));
    await redis.server.thaw();
    expect(await found).toHaveLength(2);
    expect(await append).toContain(".1.");
  });
});

describe("an aborted call rejects with the signal's reason and writes nothing", () => {
  it.each(calls)("%s", async (_method, call) => {
    await backend.append(ID, notes(7, 1));
    const before = await redis.elements(ID);
    const reason = new Error("the user left");
    await expect(call(backend, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(await redis.elements(ID)).toEqual(before);
  });

  it("also while it waits for the server", async () => {
    await backend.ping();
    const controller = new AbortController();
    const reason = new Error("the user left");
    await redis.server.freeze();
    try {
      const call = backend.read(ID, { signal: controller.signal });
      setImmediate(() => controller.abort(reason));
      await expect(call).rejects.toBe(reason);
    } finally {
      await redis.server.thaw();
    }
    expect(await backend.load(ID)).toBeNull();
  });

  it.each(calls)("and %s takes nothing else for options", async (_method, call) => {
    await expect(call(backend, { signal: "soon" as unknown as AbortSignal })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});

describe("options are never changed", () => {
  it("be they frozen", async () => {
    const frozen = Object.freeze({
      addr: redis.server.addr,
      prefix: redis.prefix,
      ttl: "1h",
    });
    await using one = new RedisBackend<Note>(frozen).withTTL("2h");
    const records = Object.freeze(notes(0, 2).map((note) => Object.freeze(note)));
    const operationId = newId();
    await one.save(ID, records, Object.freeze({ operationId, expectedRevision: null }));
    const options = Object.freeze({
      operationId: newId(),
      since: (await one.read(ID, Object.freeze({ last: 1 })))?.revision,
    });
    await one.append(ID, records, options);
    await one.append(ID, records, options);
    expect(await one.list(Object.freeze({ prefix: "user" }))).toEqual([ID]);
    expect((await recent(one, Object.freeze({ limit: 3, cursor: undefined }))).memories).toHaveLength(1);
    expect(await one.load(ID)).toHaveLength(4);
  });
});
