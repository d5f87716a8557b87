import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Capability, capabilityMethods, newId, supports } from "@deep-agent/core";
import { beforeEach, describe, expect, it } from "@jest/globals";
import { nodeFileSystem } from "../src/file-system.ts";
import { FileBackend } from "../src/index.ts";
import { MAX_APPEND_BYTES } from "../src/log-writing.ts";
import {
  another,
  contentOf,
  filesOf,
  type Note,
  newBackend,
  notes,
  pathOf,
  rejectionOf,
  temporaryDirectory,
} from "./support/backends.ts";

const ID = "user-alice";

let backend: FileBackend<Note>;
beforeEach(() => {
  backend = newBackend();
});

function bytesOf(name = `${ID}.1.jsonl`): Buffer {
  return readFileSync(pathOf(backend, name));
}

describe("absent and empty are two things", () => {
  it("gives null for what is not there, and makes no directory for it", async () => {
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.read(ID, { last: 1 })).toBeNull();
    expect(await backend.read(ID, { since: "x.1.00000000" })).toBeNull();
    expect(await backend.info(ID)).toBeNull();
    expect(await backend.list()).toEqual([]);
    expect(await backend.recent({ limit: 1 })).toEqual({ memories: [], cursor: null });
    await backend.delete(ID);
    expect(existsSync(backend.directory)).toBe(false);
  });

  it("gives an empty list for what was saved empty", async () => {
    await backend.save(ID, []);
    expect(await backend.load(ID)).toEqual([]);
    expect(await backend.read(ID)).toMatchObject({ records: [], start: null, reset: false, regressed: false });
    expect(await backend.info(ID)).toMatchObject({ records: 0, expiresAt: null });
    expect(await backend.list()).toEqual([ID]);
    expect((await backend.recent({ limit: 1 })).memories).toMatchObject([{ memoryId: ID }]);
  });

  it("also where it held something before", async () => {
    await backend.append(ID, notes(0, 3));
    await backend.save(ID, []);
    expect(await backend.load(ID)).toEqual([]);
    expect(await another(backend).load(ID)).toEqual([]);
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
    const any = newBackend<object>();
    await any.append("a", [record, record]);
    await any.save("b", [record]);
    await any.append("b", [record]);
    const fresh = another(any);
    for (const one of [any, fresh]) {
      expect(await one.load("a")).toEqual([record, record]);
      expect(await one.load("b")).toEqual([record, record]);
      expect((await one.read("a", { last: 1 }))?.records).toEqual([record, record]);
    }
  });

  it("and is aliased to nothing of the caller's", async () => {
    const record = { n: 1, inner: { list: [1] } };
    const any = newBackend<typeof record>();
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
    const before = bytesOf();
    const records = [{ n: 1 }, record] as Note[];
    await expect(backend.append(ID, records)).rejects.toMatchObject({ code: "INVALID_RECORD", outcome: "not-applied" });
    await expect(backend.save(ID, records)).rejects.toMatchObject({ code: "INVALID_RECORD", outcome: "not-applied" });
    await expect(backend.append("other", records)).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(bytesOf()).toEqual(before);
    expect(await backend.list()).toEqual([ID]);
  });

  it("up to a size that is refused before anything is written", async () => {
    const large = { n: 1, text: "x".repeat(MAX_APPEND_BYTES - 100) };
    const error = await rejectionOf(backend.append(ID, [large, { n: 2, text: "the canary ".repeat(20) }]));
    expect(error).toMatchObject({ code: "RECORD_TOO_LARGE", outcome: "not-applied", retryable: false, memoryId: ID });
    expect(String(error)).not.toContain("canary");
    expect(await backend.load(ID)).toBeNull();
    await backend.append(ID, [large]);
    await backend.append(ID, notes(2, 1));
    expect((await backend.load(ID))?.[0]?.text?.length).toBe(large.text.length);
    expect((await backend.read(ID, { last: 1 }))?.records).toEqual(notes(2, 1));
  });

  it("and an append of nothing is refused", async () => {
    await expect(backend.append(ID, [])).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(await backend.load(ID)).toBeNull();
  });

  it("and a stored __proto__ is CORRUPT, in a message that says where", async () => {
    await backend.append(ID, notes(0, 1));
    const { encodeLine } = await import("../src/line.ts");
    const { size } = statSync(pathOf(backend, `${ID}.1.jsonl`));
    const line = encodeLine("entry", size, '{"t":"x","at":1,"r":[{"__proto__":{"canary":1}}]}');
    writeFileSync(pathOf(backend, `${ID}.1.jsonl`), line, { flag: "a" });
    const error = await rejectionOf(backend.load(ID));
    expect(error).toMatchObject({ code: "CORRUPT" });
    expect(String(error)).toContain(`byte ${size} of ${pathOf(backend, `${ID}.1.jsonl`)} (memory "user-alice")`);
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

  it("each is a memory of its own, inside of the directory, and listed as it is", async () => {
    for (const [index, id] of hostile.entries()) await backend.append(id, notes(index, 1));
    const fresh = another(backend);
    for (const [index, id] of hostile.entries()) expect(await fresh.load(id)).toEqual(notes(index, 1));
    expect((await fresh.list()).sort()).toEqual([...hostile].sort());
    expect(filesOf(backend)).toHaveLength(hostile.length);
    expect(filesOf({ directory: join(backend.directory, "..") })).toEqual(["memories"]);
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
      (await backend.recent({ limit: 9, prefix: "app:" })).memories.map(({ memoryId }) => memoryId).sort(),
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
    expect(existsSync(backend.directory)).toBe(false);
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
    await another(backend).save(ID, notes(0, 2), { operationId: "one" });
    expect(await backend.load(ID)).toEqual(notes(5, 1));
  });

  it("only at the expected revision, if one is given", async () => {
    await expect(backend.save(ID, notes(0, 1), { expectedRevision: "x.1.00000000" })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await backend.save(ID, notes(0, 1), { expectedRevision: null });
    const revision = (await backend.read(ID))?.revision ?? "";
    await backend.append(ID, notes(1, 1));
    const before = bytesOf();
    for (const expectedRevision of [revision, null]) {
      const error = await rejectionOf(backend.save(ID, notes(7, 1), { expectedRevision }));
      expect(error).toMatchObject({ code: "CONFLICT", outcome: "not-applied", memoryId: ID });
    }
    expect(bytesOf()).toEqual(before);
    await backend.save(ID, notes(7, 1), { expectedRevision: (await backend.read(ID))?.revision });
    expect(await backend.load(ID)).toEqual(notes(7, 1));
  });
});

describe("a delete leaves nothing", () => {
  it("of the memory's content in any file, and does not mind what is not there", async () => {
    await backend.append(ID, [{ n: 1, text: "the canary" }]);
    await backend.save(ID, [{ n: 2, text: "the canary" }]);
    await backend.append("bob", notes(0, 1));
    expect(contentOf(backend).includes("canary")).toBe(true);
    await backend.delete(ID);
    await backend.delete(ID);
    expect(contentOf(backend).includes("canary")).toBe(false);
    expect(await backend.load(ID)).toBeNull();
    expect(await backend.list()).toEqual(["bob"]);
    expect(await backend.load("bob")).toEqual(notes(0, 1));
    expect(filesOf(backend)).toEqual(["bob.1.jsonl", "user-alice.2.jsonl"]);
  });

  it("of another memory's, whose id begins alike", async () => {
    for (const id of ["user", "user:42", "user.1", "user*"]) await backend.append(id, notes(0, 1));
    await backend.delete("user");
    expect((await backend.list()).sort()).toEqual(["user*", "user.1", "user:42"]);
  });

  it("of other people's files in that directory", async () => {
    await backend.append(ID, notes(0, 1));
    const foreign = [
      "user-alice.tmp",
      "user-alice.notes.tmp",
      "user-alice.old.corrupt",
      "user-alice.txt",
      "%ff.1.jsonl",
      "README",
    ];
    for (const name of foreign) writeFileSync(pathOf(backend, name), "mine");
    await backend.delete(ID);
    await backend.list();
    expect(filesOf(backend)).toEqual([...foreign, "user-alice.2.jsonl"].sort());
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
      expect(await another(backend).load(ID)).toEqual(notes(round, 1));
    }
    expect(filesOf(backend)).toEqual(["user-alice.5.jsonl"]);
  });

  it("is not undone by a backend that knows the file of before", async () => {
    const other = another(backend);
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
    for (const one of [backend, another(backend)]) {
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
    const before = bytesOf();
    const error = await rejectionOf(backend.append(ID, notes(9, 1), { operationId: "new", since }));
    expect(error).toMatchObject({ code: "CONFLICT", outcome: "not-applied", backend: "file", memoryId: ID });
    expect(bytesOf()).toEqual(before);
  });

  it("not where since says that there was no memory, and there is one without it", async () => {
    await backend.append(ID, notes(0, 1));
    const before = bytesOf();
    await expect(backend.append(ID, notes(1, 1), { since: null })).rejects.toMatchObject({ code: "CONFLICT" });
    await expect(backend.append(ID, notes(1, 1), { expectedRevision: null })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    await expect(backend.append(ID, notes(1, 1), { since: "another backend's" })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(bytesOf()).toEqual(before);
  });

  it("and an append at the expected revision is the next one, or none", async () => {
    const seen = await backend.append(ID, notes(0, 1));
    const results = await Promise.allSettled(
      [backend, another(backend), another(backend)].map((one, n) =>
        one.append(ID, notes(n + 1, 1), { expectedRevision: seen }),
      ),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await backend.load(ID)).toHaveLength(2);
  });

  it("also by many writers of one process, each entry in one piece", async () => {
    const writers = [backend, another(backend), another(backend), another(backend)];
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
    await another(backend).append(ID, notes(6, 2));
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
      await another(backend).append(ID, notes(100, 1));
      page = await another(backend).read(ID, { last, before: page.start });
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

  it("says that the file has lost what it had", async () => {
    const path = pathOf(backend, `${ID}.1.jsonl`);
    const earlier = readFileSync(path);
    const { revision: kept } = (await backend.read(ID)) ?? { revision: "" };
    const lost = await backend.append(ID, notes(6, 1));
    await backend.append(ID, notes(7, 1));
    writeFileSync(path, earlier);
    expect(await backend.read(ID, { since: lost })).toMatchObject({
      records: notes(0, 6),
      reset: true,
      regressed: true,
    });
    for (let n = 70; n < 75; n++) await another(backend).append(ID, notes(n, 1));
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
    for (const id of written) {
      await backend.append(id, notes(0, 1));
      await nextTick(id);
    }
  });

  /** Until the clock by which the file system stamps has moved on. */
  async function nextTick(id: string): Promise<void> {
    const stamp = async (): Promise<number> =>
      (await backend.recent({ limit: 9 })).memories.find(({ memoryId }) => memoryId === id)?.updatedAt ?? 0;
    const reached = await stamp();
    for (let tries = 0; Date.now() <= reached + 12 && tries < 10_000; tries++) await backend.ping();
  }

  it("newest first, in pages, each once", async () => {
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null; ) {
      const page = await backend.recent({ limit: 2, ...(cursor && { cursor }) });
      expect(page.memories.length).toBeLessThanOrEqual(2);
      seen.push(...page.memories.map(({ memoryId }) => memoryId));
      cursor = page.cursor;
    }
    expect(seen).toEqual([...written].reverse());
  });

  it("and pages on while others write, delete and begin", async () => {
    const first = await backend.recent({ limit: 2 });
    expect(first.memories.map(({ memoryId }) => memoryId)).toEqual(["four", "x".repeat(1000)]);
    await backend.append("four", notes(1, 1));
    await backend.append("new", notes(0, 1));
    await backend.delete("two");
    const second = await backend.recent({ limit: 2, cursor: first.cursor ?? "" });
    expect(second.memories.map(({ memoryId }) => memoryId)).toEqual(["three", "one"]);
    expect(second.cursor).toBeNull();
  });

  it("with times that are those of the writing", async () => {
    const { memories } = await backend.recent({ limit: 1 });
    expect(Math.abs(Date.now() - (memories[0]?.updatedAt ?? 0))).toBeLessThan(20_000);
  });

  it("does not take anything for a cursor", async () => {
    for (const cursor of ["", "nonsense", Buffer.from("12").toString("base64url")]) {
      await expect(backend.recent({ limit: 1, cursor })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await expect(backend.recent({ limit: 0 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("it tells facts about a memory", () => {
  it("how much is in it, and since when", async () => {
    const started = Date.now();
    await backend.append(ID, notes(0, 3));
    const first = await backend.info(ID);
    expect(first).toMatchObject({ records: 3, bytes: bytesOf().length, expiresAt: null });
    expect(first?.createdAt).toBeGreaterThanOrEqual(started - 2);
    expect(first?.updatedAt).toBe(first?.createdAt);
    await backend.save(ID, notes(0, 5));
    await backend.append(ID, notes(5, 2));
    const later = await backend.info(ID);
    expect(later).toMatchObject({ records: 7, bytes: bytesOf().length, createdAt: first?.createdAt });
    expect(later?.updatedAt).toBeGreaterThanOrEqual(first?.updatedAt ?? Number.NaN);
  });

  it("and answers a ping, leaving nothing behind", async () => {
    const { latencyMs } = await backend.ping();
    expect(latencyMs).toBeGreaterThan(0);
    expect(filesOf(backend)).toEqual([]);
  });
});

describe("it has every capability but expiry", () => {
  it.each(Object.keys(capabilityMethods) as Capability[])("%s", (capability) => {
    expect(supports(backend, capability)).toBe(capability !== "expiry");
  });
});

/** Every method with arguments that are as they should be. */
const calls: [string, (backend: FileBackend<Note>, options?: { signal: AbortSignal }) => Promise<unknown>][] = [
  ["load", (one, options) => one.load(ID, options)],
  ["save", (one, options) => one.save(ID, notes(0, 1), options)],
  ["delete", (one, options) => one.delete(ID, options)],
  ["list", (one, options) => one.list(options)],
  ["append", (one, options) => one.append(ID, notes(0, 1), options)],
  ["read", (one, options) => one.read(ID, options)],
  ["ping", (one, options) => one.ping(options)],
  ["info", (one, options) => one.info(ID, options)],
  ["recent", (one, options) => one.recent({ limit: 1, ...options })],
];

describe("a closed backend refuses every call", () => {
  it.each(calls)("%s", async (_method, call) => {
    await backend.append(ID, notes(0, 1));
    const before = bytesOf();
    await backend.close();
    await backend.close();
    await expect(call(backend)).rejects.toMatchObject({ code: "CLOSED", outcome: "not-applied", backend: "file" });
    expect(bytesOf()).toEqual(before);
  });

  it("closed by `await using`", async () => {
    let left: FileBackend<Note>;
    {
      await using one = another(backend);
      await one.ping();
      left = one;
    }
    await expect(left.ping()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("and waits for the calls in flight", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const slow = newBackend({
      fileSystem: { ...nodeFileSystem, link: (from, to) => gate.then(() => nodeFileSystem.link(from, to)) },
    });
    const settled: string[] = [];
    const append = slow.append(ID, notes(0, 1)).then(() => settled.push("append"));
    const close = slow.close().then(() => settled.push("close"));
    await new Promise(setImmediate);
    expect(settled).toEqual([]);
    open();
    await Promise.all([append, close]);
    expect(settled).toEqual(["append", "close"]);
    expect(await another(slow).load(ID)).toEqual(notes(0, 1));
  });
});

describe("an aborted call rejects with the signal's reason and writes nothing", () => {
  it.each(calls)("%s", async (_method, call) => {
    await backend.append(ID, notes(7, 1));
    const before = bytesOf();
    const reason = new Error("the user left");
    await expect(call(backend, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(bytesOf()).toEqual(before);
    expect(filesOf(backend)).toEqual([`${ID}.1.jsonl`]);
  });

  it("also while it waits behind another write", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const slow = newBackend({
      fileSystem: { ...nodeFileSystem, link: (from, to) => gate.then(() => nodeFileSystem.link(from, to)) },
    });
    const controller = new AbortController();
    const first = slow.append(ID, notes(0, 1));
    const second = slow.append(ID, notes(1, 1), { signal: controller.signal });
    const reason = new Error("the user left");
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    open();
    await first;
    expect(await slow.load(ID)).toEqual(notes(0, 1));
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
      directory: backend.directory,
      durability: "os" as const,
      onCorrupt: "throw" as const,
    });
    const one = new FileBackend<Note>(frozen);
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
    expect((await one.recent(Object.freeze({ limit: 3, cursor: undefined }))).memories).toHaveLength(1);
    expect(await one.load(ID)).toHaveLength(4);
  });
});

describe("it keeps its hands off the disk until it is used", () => {
  it("and off a directory that something else lies in", async () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "folder"));
    writeFileSync(join(directory, "notes.txt"), "mine");
    const one = new FileBackend<Note>(directory);
    await one.append(ID, notes(0, 1));
    await one.delete(ID);
    expect(filesOf(one)).toEqual(["folder", "notes.txt", "user-alice.2.jsonl"]);
  });
});
