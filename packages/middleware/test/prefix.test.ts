import { MemoryError, supports } from "@deep-agent/core";
import { MAX_MEMORY_ID_BYTES } from "@deep-agent/core/adapter";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { withPrefix, withTimeout } from "../src/index.ts";
import { type Note, notes, rejectionOf, TroubledBackend } from "./support/stores.ts";

const memoryId = fc.string({ unit: "binary", minLength: 1, maxLength: 40 }).filter((id) => id.isWellFormed());

describe("a part of a store", () => {
  it("stores its memories under names that begin with its prefix", async () => {
    const store = new InMemoryBackend<Note>();
    await withPrefix(store, "acme").save("alice", notes(0, 1));
    expect(await store.list()).toEqual(["acme:alice"]);
  });

  it("is closed: no id reaches a memory outside it, and no list returns one", async () => {
    await fc.assert(
      fc.asyncProperty(memoryId, memoryId, async (mine, theirs) => {
        const store = new InMemoryBackend<Note>();
        const parts = ["a", "b", "ab"].map((prefix) => withPrefix(store, prefix));
        for (const [n, part] of parts.entries()) await part.save(mine, notes(n, 1));
        for (const [n, part] of parts.entries()) {
          expect(await part.load(mine)).toEqual(notes(n, 1));
          expect(await part.list()).toEqual([mine]);
          if (theirs !== mine) expect(await part.load(theirs)).toBeNull();
        }
        await parts[0]?.delete(mine);
        expect(await parts[1]?.list()).toEqual([mine]);
        expect(await parts[0]?.list()).toEqual([]);
      }),
    );
  });

  it("holds ids as long as any store does, and lists them by any prefix", async () => {
    const store = new InMemoryBackend<Note>();
    const part = withPrefix(store, "p".repeat(256));
    const ids = ["x", "y"].map((last) => `${"é".repeat(MAX_MEMORY_ID_BYTES / 2 - 1)}${last}`);
    for (const [n, id] of ids.entries()) await part.append(id, notes(n, 1));
    for (const [n, id] of ids.entries()) expect(await part.load(id)).toEqual(notes(n, 1));
    for (const length of [0, 1, 300, 511, 512]) {
      const prefix = (ids[0] as string).slice(0, length);
      expect((await part.list({ prefix })).sort()).toEqual(ids.filter((id) => id.startsWith(prefix)));
    }
    for (const id of ids) await part.delete(id);
    expect(await store.list()).toEqual([]);
  });

  it("tells an id that looks like the name of a long id from that long id", async () => {
    const store = new InMemoryBackend<Note>();
    const part = withPrefix(store, "acme");
    const long = "x".repeat(MAX_MEMORY_ID_BYTES);
    await part.save(long, notes(1, 1));
    const names = (await store.list()).map((name) => name.slice("acme:".length));
    expect(names).toHaveLength(2);
    for (const [n, id] of names.entries()) await part.save(id, notes(10 + n, 1));
    expect(await part.load(long)).toEqual(notes(1, 1));
    expect(new Set(await part.list())).toEqual(new Set([long, ...names]));
  });

  it("names a memory by its id in errors", async () => {
    const part = withPrefix(new InMemoryBackend<Note>(), "secret-tenant");
    await part.save("alice", notes(0, 1));
    const error = await rejectionOf(part.save("alice", notes(0, 1), { expectedRevision: null }));
    expect(error).toMatchObject({ code: "CONFLICT", memoryId: "alice", backend: "in-memory" });
    expect(String(error)).toContain('"alice"');
    expect(String(error)).not.toContain("secret-tenant");
  });

  it("rejects a prefix that has a colon, is empty, is too long or is not a string", () => {
    const store = new InMemoryBackend<Note>();
    for (const prefix of ["", "a:b", ":", "x".repeat(257), "\ud800", 7 as unknown as string]) {
      expect(() => withPrefix(store, prefix)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    }
    expect(() => withPrefix({} as InMemoryBackend, "a")).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });
});

describe("a delete that fails half done", () => {
  it.each(["delete", "load"] as const)("says `unknown` if its %s afterwards fails", async (method) => {
    const store = new TroubledBackend<object>();
    const part = withPrefix(store, "acme");
    const id = "x".repeat(1_024);
    await part.save(id, notes(0, 1));
    let deletes = 0;
    store.fate = (called) => {
      if (called === "delete") deletes += 1;
      return called === method && deletes === (method === "delete" ? 2 : deletes) ? "away" : "made";
    };
    expect(await rejectionOf(part.delete(id))).toMatchObject({ outcome: "unknown" });
    store.fate = () => "made";
    expect(await part.load(id)).toBeNull();
    store.fate = (called) => (called === "delete" ? "away" : "made");
    expect(await rejectionOf(part.delete(id))).toMatchObject({ outcome: "not-applied" });
  });
});

describe("a layer", () => {
  it("has the capabilities of the backend below it, and no others", () => {
    const four = { load: async () => null, save: async () => {}, delete: async () => {}, list: async () => [] };
    const plain = withTimeout(four, 1_000);
    expect(Object.keys(plain).sort()).toEqual(["delete", "list", "load", "save"]);
    const rich = withTimeout(new InMemoryBackend<Note>(), 1_000);
    for (const capability of ["log", "health", "lifecycle", "info", "catalogue", "expiry"] as const)
      expect(supports(rich, capability)).toBe(true);
  });

  it("has the name of the backend below it, for errors and events", () => {
    expect(withTimeout(new InMemoryBackend<Note>(), 1_000).name).toBe("in-memory");
  });

  it("makes errors that MemoryError.is recognizes", async () => {
    const part = withPrefix(new InMemoryBackend<Note>(), "acme");
    expect(MemoryError.is(await rejectionOf(part.load("")), "INVALID_MEMORY_ID")).toBe(true);
  });
});
