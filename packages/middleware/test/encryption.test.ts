import { createDecipheriv, createHash, hkdfSync } from "node:crypto";
import { inspect } from "node:util";
import { type MemoryBackend, MemoryError } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { KeyRing } from "../src/encryption/key-ring.ts";
import { reencrypt, withEncryption, withPrefix } from "../src/index.ts";
import { ID_KEY, KEY, OTHER_KEY } from "./support/keys.ts";
import { eventsDuring, type Note, notes, rejectionOf } from "./support/stores.ts";

const current = { keys: { a: KEY }, current: "a" };

interface Stored {
  sealed: number;
  key: string;
  data: string;
}

/** The records in the store below. */
async function stored(store: MemoryBackend<object>, id: string): Promise<Stored[]> {
  return (await store.load(id)) as Stored[];
}

describe("encrypted records", () => {
  it("show nothing of what they hold, and are never the same twice", async () => {
    const store = new InMemoryBackend<object>();
    const backend = withEncryption(store, current);
    await backend.append("alice", [{ text: "my secret" }, { text: "my secret" }]);
    const records = await stored(store, "alice");
    expect(JSON.stringify(records)).not.toContain("secret");
    expect(records).toEqual(Array(2).fill({ sealed: 1, key: "a", data: expect.any(String) }));
    expect(records[0]?.data).not.toBe(records[1]?.data);
    expect(await backend.load("alice")).toEqual([{ text: "my secret" }, { text: "my secret" }]);
  });

  it("cannot be opened after any bit of them was changed", async () => {
    const store = new InMemoryBackend<object>();
    const backend = withEncryption(store, current);
    await backend.save("alice", notes(1, 1));
    const [{ data } = { data: "" }] = await stored(store, "alice");
    const bytes = Buffer.from(data, "base64");
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      await store.save("alice", [{ sealed: 1, key: "a", data: changed.toString("base64") }]);
      expect(MemoryError.is(await rejectionOf(backend.load("alice")), "DECRYPT")).toBe(true);
    }
  });

  it("cannot be opened after they were cut short, within the tag or before it", async () => {
    const store = new InMemoryBackend<object>();
    const backend = withEncryption(store, current);
    await backend.save("alice", notes(1, 1));
    const [{ data } = { data: "" }] = await stored(store, "alice");
    const bytes = Buffer.from(data, "base64");
    for (let length = 0; length < bytes.length; length++) {
      await store.save("alice", [{ sealed: 1, key: "a", data: bytes.subarray(0, length).toString("base64") }]);
      expect(MemoryError.is(await rejectionOf(backend.load("alice")), "DECRYPT")).toBe(true);
    }
  });

  it("cannot be opened in another memory, or under another key's name", async () => {
    const store = new InMemoryBackend<object>();
    const backend = withEncryption(store, { keys: { a: KEY, b: KEY }, current: "a" });
    await backend.append("alice", [{ text: "hers" }]);
    await backend.append("bob", [{ text: "his" }]);
    const [hers, his] = [await stored(store, "alice"), await stored(store, "bob")];
    await store.save("alice", his);
    await store.save("bob", hers);
    for (const id of ["alice", "bob"]) {
      const error = await rejectionOf(backend.read(id));
      expect(error).toMatchObject({ code: "DECRYPT", memoryId: id, retryable: false });
      expect(String(error)).toContain("moved here from another memory");
    }
    await store.save("alice", [{ ...hers[0], key: "b" }]);
    expect(MemoryError.is(await rejectionOf(backend.load("alice")), "DECRYPT")).toBe(true);
  });

  it("cannot be opened with a wrong or missing key, and the error says which", async () => {
    const store = new InMemoryBackend<object>();
    await withEncryption(store, current).save("alice", notes(1, 1));
    const wrong = withEncryption(store, { keys: { a: OTHER_KEY }, current: "a" });
    expect(await rejectionOf(wrong.load("alice"))).toMatchObject({
      code: "DECRYPT",
      message: expect.stringContaining('"a"'),
    });
    const missing = withEncryption(store, { keys: { b: KEY }, current: "b" });
    const error = await rejectionOf(missing.load("alice"));
    expect(error).toMatchObject({ code: "DECRYPT", hint: expect.stringContaining("keep old keys") });
  });

  it("are required: an unencrypted record is an error, unless `acceptPlaintext` is set", async () => {
    const store = new InMemoryBackend<object>();
    await store.save("alice", [{ text: "plain" }]);
    await withEncryption(store, current).append("alice", [{ text: "sealed" }]);
    expect(await rejectionOf(withEncryption(store, current).load("alice"))).toMatchObject({ code: "DECRYPT" });
    const lenient = withEncryption(store, { ...current, acceptPlaintext: true });
    expect(await lenient.load("alice")).toEqual([{ text: "plain" }, { text: "sealed" }]);
    await store.save("alice", [{ sealed: 1, key: "a" }]);
    expect(await rejectionOf(lenient.load("alice"))).toMatchObject({ code: "DECRYPT" });
  });

  it("come back equal, whatever they hold", async () => {
    const backend = withEncryption(new InMemoryBackend<object>(), { ...current, idKey: ID_KEY });
    const records = fc.array(fc.record({ text: fc.string({ unit: "binary" }), value: fc.jsonValue() }));
    await fc.assert(
      fc.asyncProperty(records, async (some) => {
        fc.pre(!JSON.stringify(some).includes("__proto__"));
        await backend.save("m", some);
        expect(JSON.stringify(await backend.load("m"))).toBe(JSON.stringify(some));
      }),
    );
  });

  it("can be opened with the same key as bytes or as base64", async () => {
    const store = new InMemoryBackend<object>();
    const [one, other] = [
      withEncryption(store, current),
      withEncryption(store, { keys: { a: Buffer.from(KEY).toString("base64") }, current: "a" }),
    ];
    await one.save("alice", notes(1, 1));
    expect(await other.load("alice")).toEqual(notes(1, 1));
  });
});

function sha256(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

describe("the format", () => {
  /** Opens a record by the README's description, without the code under test. */
  function opened({ data }: Stored, key: Uint8Array, memoryId: string, context: readonly unknown[]): unknown {
    const bytes = Buffer.from(data, "base64");
    const own = Buffer.from(hkdfSync("sha256", key, sha256(memoryId), "deep-agent records", 32));
    const decipher = createDecipheriv("aes-256-gcm", own, bytes.subarray(0, 12), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(JSON.stringify(context)));
    decipher.setAuthTag(bytes.subarray(-16));
    return JSON.parse(Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString());
  }

  it("is AES-256-GCM with a derived key for each memory, bound to the memory and the key's name", async () => {
    const store = new InMemoryBackend<object>();
    await withEncryption(store, current).save("alice", notes(7, 1));
    const [record = { sealed: 0, key: "", data: "" }] = await stored(store, "alice");
    expect(opened(record, KEY, "alice", ["deep-agent", 1, "a", "alice"])).toEqual({ n: 7 });
    expect(() => opened(record, KEY, "bob", ["deep-agent", 1, "a", "alice"])).toThrow();
    expect(() => opened(record, KEY, "alice", ["deep-agent", 1, "a", "bob"])).toThrow();
    expect(() => opened(record, KEY, "alice", ["deep-agent", 1, "b", "alice"])).toThrow();
  });
});

describe("sealed ids", () => {
  it("show nothing of an id, and are listed as the original ids", async () => {
    const store = new InMemoryBackend<object>();
    const backend = withEncryption(store, { ...current, idKey: ID_KEY });
    const ids = ["alice", "alicf", "日本", "x".repeat(1_024)];
    for (const id of ids) await backend.append(id, notes(0, 1));
    await store.save("a stranger's", []);
    const names = await store.list();
    for (const name of names) expect(name).not.toMatch(/alic|日|xxx/);
    for (const name of names) expect(JSON.stringify(await store.load(name))).not.toMatch(/alic|日|xxx/);
    expect((await backend.list()).sort()).toEqual([...ids].sort());
    expect((await backend.list({ prefix: "ali" })).sort()).toEqual(["alice", "alicf"]);
    const page = await backend.recent({ limit: 2, prefix: "ali" });
    expect(page.memories.map(({ memoryId }) => memoryId).sort()).toEqual(["alice", "alicf"]);
    for (const id of ids) await backend.delete(id);
    expect(await store.list()).toEqual(["a stranger's"]);
  });

  it("differ with another key", async () => {
    const store = new InMemoryBackend<object>();
    await withEncryption(store, { ...current, idKey: ID_KEY }).save("alice", notes(0, 1));
    await withEncryption(store, { ...current, idKey: OTHER_KEY }).save("alice", notes(1, 1));
    expect(new Set(await store.list()).size).toBe(2);
  });
});

describe("a store whose names the `idKey` does not open", () => {
  const long = "x".repeat(1_024);

  /** The store of a program with `ID_KEY`, seen by one with another key. */
  async function seenByAnother(...ids: string[]) {
    const store = new InMemoryBackend<object>();
    for (const id of ids) await withEncryption(store, { ...current, idKey: ID_KEY }).append(id, notes(0, 1));
    return { store, other: withEncryption(store, { ...current, idKey: OTHER_KEY }) };
  }

  it.each([["alice"], [long], ["alice", "bob", long]])(
    "does not look empty: list and recent reject",
    async (...ids) => {
      const { other } = await seenByAnother(...ids);
      for (const look of [
        () => other.list(),
        () => other.list({ prefix: "al" }),
        () => other.recent({ limit: 1 }),
        () => other.recent({ limit: 10, prefix: "al" }),
        () => reencrypt(other),
      ]) {
        const error = await rejectionOf(look());
        expect(error).toMatchObject({ code: "DECRYPT", outcome: "not-applied", backend: "in-memory" });
        expect(String(error)).toContain("idKey");
      }
    },
  );

  it("nor does one with plain names", async () => {
    const store = new InMemoryBackend<object>();
    await withEncryption(store, current).append("alice", notes(0, 1));
    const sealing = withEncryption(store, { ...current, idKey: ID_KEY });
    expect(await rejectionOf(sealing.list())).toMatchObject({ code: "DECRYPT" });
  });

  it("is listed without them if it opens others, and a warning gives their number", async () => {
    const { other } = await seenByAnother("alice", "bob", long);
    await other.append("carol", notes(0, 1));
    const events = await eventsDuring(async () => {
      expect(await other.list()).toEqual(["carol"]);
      expect(await other.list({ prefix: "no such" })).toEqual([]);
      expect((await other.recent({ limit: 10 })).memories.map(({ memoryId }) => memoryId)).toEqual(["carol"]);
    });
    expect(events).toEqual(
      Array(3).fill({ type: "warning", backend: "in-memory", detail: expect.stringMatching(/^3 names .*idKey/) }),
    );
  });

  it("is not one that is empty, or whose names are all its own", async () => {
    const store = new InMemoryBackend<object>();
    const backend = withEncryption(store, { ...current, idKey: ID_KEY });
    const events = await eventsDuring(async () => {
      expect([await backend.list(), (await backend.recent({ limit: 1 })).memories]).toEqual([[], []]);
      await backend.append(long, notes(0, 1));
      expect(await backend.list()).toEqual([long]);
    });
    expect(events).toEqual([]);
  });

  it("does not concern a part by a prefix, where other names belong to others", async () => {
    const store = new InMemoryBackend<object>();
    await store.append("acme:", notes(0, 1)); // no id has this name
    await withPrefix(store, "other").append("bob", notes(0, 1));
    const events = await eventsDuring(async () => expect(await withPrefix(store, "acme").list()).toEqual([]));
    expect(events).toEqual([]);
    const part = withEncryption(withPrefix(store, "acme"), { ...current, idKey: ID_KEY });
    expect(await part.list()).toEqual([]);
  });
});

describe("the key of a memory", () => {
  it.each([
    ["alice", "alice\0"],
    ["alice\0", "alice\0\0"],
    ["a".repeat(64), `${"a".repeat(64)}\0`],
    ["alice", "bob"],
  ])("is that of no other memory, even if the ids differ only by NULs at the end", (one, other) => {
    const ring = new KeyRing({ a: KEY }, "a");
    const [first, second] = [one, other].map((id) => ring.keyFor("a", id)?.export().toString("hex"));
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(second).not.toBe(first);
  });
});

describe("changing keys", () => {
  const both = { keys: { a: KEY, b: OTHER_KEY }, current: "b" };

  it("reads what old keys sealed, writes with the new key, and seals everything again on request", async () => {
    const store = new InMemoryBackend<object>();
    const before = withEncryption(store, current);
    for (const id of ["x", "y", "z"]) await before.save(id, notes(0, 3));
    const backend = withEncryption(store, both);
    await backend.append("x", notes(3, 1));
    expect((await stored(store, "x")).map(({ key }) => key)).toEqual(["a", "a", "a", "b"]);
    const progress: object[] = [];
    const result = await reencrypt(backend, { onProgress: (one) => progress.push(one) });
    expect(result).toEqual({ memories: 3, done: 3, changed: 3 });
    expect(progress).toHaveLength(3);
    const after = withEncryption(store, { keys: { b: OTHER_KEY }, current: "b" });
    expect(await after.load("x")).toEqual(notes(0, 4));
    expect(await after.load("z")).toEqual(notes(0, 3));
    expect(await reencrypt(after)).toEqual({ memories: 3, done: 3, changed: 0 });
  });

  it("loses nothing that others write meanwhile", async () => {
    const store = new InMemoryBackend<object>();
    const before = withEncryption(store, current);
    await before.save("x", notes(0, 1));
    const backend = withEncryption(store, both);
    const read = store.read.bind(store);
    let reads = 0;
    store.read = async (...args) => {
      const snapshot = await read(...args);
      if (reads++ < 3) await backend.append("x", notes(reads, 1));
      return snapshot;
    };
    await reencrypt(backend);
    expect(await backend.load("x")).toEqual(notes(0, 4));
    expect((await stored(store, "x")).every(({ key }) => key === "b")).toBe(true);
  });

  it("seals unencrypted records", async () => {
    const store = new InMemoryBackend<object>();
    await store.save("x", notes(0, 2));
    await reencrypt(withEncryption(store, { ...current, acceptPlaintext: true }));
    expect(await withEncryption(store, current).load("x")).toEqual(notes(0, 2));
  });

  it("stops when it is aborted, and continues when it is called again", async () => {
    const store = new InMemoryBackend<object>();
    for (const id of ["x", "y"]) await withEncryption(store, current).save(id, notes(0, 1));
    const controller = new AbortController();
    const backend = withEncryption(store, both);
    const reason = new Error("enough");
    const stopping = reencrypt(backend, { signal: controller.signal, onProgress: () => controller.abort(reason) });
    expect(await rejectionOf(stopping)).toBe(reason);
    expect(await reencrypt(backend)).toEqual({ memories: 2, done: 2, changed: 1 });
  });

  it("is refused for a backend that is not encrypted, and without a log unless `exclusive` is set", async () => {
    const store = new InMemoryBackend<object>();
    const hidden = withPrefix(withEncryption(store, both), "acme");
    expect(await rejectionOf(reencrypt(hidden))).toMatchObject({ code: "INVALID_ARGUMENT" });
    const { load, save, delete: remove, list } = store;
    const plain = {
      load: load.bind(store),
      save: save.bind(store),
      delete: remove.bind(store),
      list: list.bind(store),
    };
    await withEncryption(plain, current).save("x", notes(0, 1));
    const backend = withEncryption(plain, both);
    expect(await rejectionOf(reencrypt(backend))).toMatchObject({ code: "NOT_SUPPORTED" });
    expect(await reencrypt(backend, { exclusive: true })).toMatchObject({ changed: 1 });
    expect(await withEncryption(plain, { keys: { b: OTHER_KEY }, current: "b" }).load("x")).toEqual(notes(0, 1));
  });
});

describe("keys", () => {
  it("are checked, and never shown", () => {
    const store = new InMemoryBackend<Note>();
    const short = "c2VjcmV0LXNlY3JldA==";
    for (const options of [
      { keys: {}, current: "a" },
      { keys: { a: short }, current: "a" },
      { keys: { a: undefined as unknown as string }, current: "a" },
      { keys: { a: KEY }, current: "b" },
      { keys: { a: KEY }, current: "toString" },
      { keys: { a: KEY }, current: "a", idKey: short },
      { keys: { a: KEY }, current: "a", idkey: KEY },
      { keys: { a: KEY }, current: "a", acceptPlaintext: "yes" as unknown as boolean },
    ]) {
      let error: unknown;
      try {
        withEncryption(store, options);
      } catch (thrown) {
        error = thrown;
      }
      expect(MemoryError.is(error, "INVALID_CONFIG")).toBe(true);
      expect(inspect(error)).not.toContain(short);
    }
    const secret = Buffer.alloc(32, "k").toString("base64");
    const backend = withEncryption(store, { keys: { a: secret }, current: "a" });
    expect(inspect(backend, { depth: 10, showHidden: true })).not.toContain(secret);
  });
});
