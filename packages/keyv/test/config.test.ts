import { type MemoryBackend, MemoryError, type Message, openBackend } from "@deep-agent/core";
import { describe, expect, it } from "@jest/globals";
import { KeyvSqlite } from "@keyv/sqlite";
import { expectTypeOf } from "expect-type";
import { Keyv } from "keyv";
import { fromConfig, KeyvBackend, type KeyvBackendOptions } from "../src/index.ts";
import { FaultyStore, type Note, notes } from "./support/stores.ts";

const ADAPTER = "@deep-agent/keyv";

function thrownBy(run: () => unknown): MemoryError {
  try {
    run();
  } catch (error) {
    if (MemoryError.is(error)) return error;
    throw error;
  }
  throw new Error("It did not throw.");
}

let memories = 0;

/** Whether two backends have the same memories. */
async function share(first: MemoryBackend<Note>, second: MemoryBackend<Note>): Promise<boolean> {
  memories += 1;
  await first.save(`m${memories}`, notes(0, 1));
  return (await second.load(`m${memories}`)) !== null;
}

describe("a backend is made from", () => {
  it("a Keyv or its store, alone or in options: all have the same memories", async () => {
    const store = new Map<string, unknown>();
    const first = new KeyvBackend<Note>(store);
    expect(await share(first, new KeyvBackend<Note>({ store }))).toBe(true);
    expect(await share(first, new KeyvBackend<Note>(new Keyv(store)))).toBe(true);
    expect(await share(first, new KeyvBackend<Note>({ keyv: new Keyv({ store }) }))).toBe(true);
    expect(await share(new KeyvBackend<Note>({ store, namespace: "a" }), first)).toBe(false);
    expect(
      await share(
        new KeyvBackend<Note>({ store, namespace: "a" }),
        new KeyvBackend<Note>(new Keyv({ store, namespace: "a" })),
      ),
    ).toBe(true);
  });

  it("a store with a namespace of its own, which it keeps", async () => {
    const store = new FaultyStore();
    store.namespace = "theirs";
    const backend = new KeyvBackend<Note>(store);
    await backend.save("m", notes(0, 1));
    expect([...store.rows.keys()]).toEqual(["theirs::deep-agent.m"]);
    expect(await backend.list()).toEqual(["m"]);
  });

  it("options, which are not changed", () => {
    const options = Object.freeze({ store: new Map(), namespace: "a", ttl: "7d" });
    new KeyvBackend(options);
    expect(Object.keys(options)).toEqual(["store", "namespace", "ttl"]);
  });

  it("a config, by openBackend", async () => {
    const load = (): Promise<unknown> => import("../src/index.ts");
    const store = new Map<string, unknown>();
    const opened = await openBackend<Note>({ adapter: ADAPTER, store, namespace: "a", ttl: "7d" }, { load });
    expect(opened).toBeInstanceOf(KeyvBackend);
    expect(await share(opened, new KeyvBackend<Note>({ store, namespace: "a" }))).toBe(true);
    const keyv = new Keyv();
    expect(
      await share(await openBackend<Note>({ adapter: ADAPTER, keyv }, { load }), new KeyvBackend<Note>(keyv)),
    ).toBe(true);
  });

  it("a config with a store of Keyv's own", async () => {
    const load = (): Promise<unknown> => import("../src/index.ts");
    const store = new KeyvSqlite();
    const backend = await openBackend<Note>({ adapter: ADAPTER, store }, { load });
    await backend.save("m", notes(0, 1));
    expect(await backend.load("m")).toEqual(notes(0, 1));
    await store.disconnect();
  });
});

describe("an invalid config is refused when the backend is made", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing at all", {}, /either a `keyv` or a `store`/],
    ["a Keyv and a store", { keyv: new Keyv(), store: new Map() }, /either a `keyv` or a `store`/],
    ["an unknown option", { store: new Map(), prefix: "a" }, /"prefix".*keyv, store, namespace, ttl/],
    ["a URL", { url: "sqlite://memories.sqlite" }, /"url".*keyv, store, namespace, ttl/],
    ["an empty object as a store", { store: {} }, /not a store that Keyv accepts/],
    ["a URL as a store", { store: "sqlite://memories.sqlite" }, /not a store that Keyv accepts/],
    ["a store that only reads", { store: { get: () => undefined } }, /not a store that Keyv accepts/],
    ["a Map as a Keyv", { keyv: new Map() }, /`keyv` is not an instance of Keyv 6/],
    ["a Keyv as a store", { store: new Keyv() }, /as `keyv`/],
    ["a Keyv of another version", { store: olderKeyv() }, /another version/],
    ["a namespace for a Keyv", { keyv: new Keyv(), namespace: "a" }, /Set the namespace on the Keyv/],
    ["an empty namespace", { store: new Map(), namespace: "" }, /must be a non-empty string/],
    ["a namespace that is a number", { store: new Map(), namespace: 7 }, /must be a non-empty string/],
    ["a namespace that is a pattern", { store: new Map(), namespace: "[ab]" }, /pattern/],
    ["a Keyv whose namespace is a pattern", { keyv: new Keyv({ namespace: "a\\b" }) }, /pattern/],
    ["a TTL in words", { store: new Map(), ttl: "soon" }, /soon/],
    ["a negative TTL", { store: new Map(), ttl: -1 }, /TTL/],
  ])("%s", (_what, options, message) => {
    const error = thrownBy(() => new KeyvBackend(options as KeyvBackendOptions));
    expect(error).toMatchObject({ code: "INVALID_CONFIG", outcome: "not-applied" });
    expect(error.message).toMatch(message);
    expect(thrownBy(() => fromConfig({ adapter: ADAPTER, ...(options as object) })).message).toBe(error.message);
  });

  it.each([undefined, null, 7, "sqlite://memories.sqlite", () => new Map()])("%p", (given) => {
    expect(thrownBy(() => new KeyvBackend(given as unknown as Keyv)).code).toBe("INVALID_CONFIG");
  });

  it("by openBackend, too", async () => {
    const load = (): Promise<unknown> => import("../src/index.ts");
    const opening = openBackend({ adapter: ADAPTER, store: new Map(), prefix: "a" }, { load });
    await expect(opening).rejects.toMatchObject({ code: "INVALID_CONFIG", hint: expect.stringContaining("namespace") });
  });
});

/** The members by which a Keyv differs from a store. */
function olderKeyv(): object {
  const map = new Map();
  const bound = (name: "get" | "set" | "delete" | "clear"): unknown => map[name].bind(map);
  return { get: bound("get"), set: bound("set"), delete: bound("delete"), clear: bound("clear"), stats: {}, hooks: {} };
}

describe("its types are those of the contract", () => {
  it("with messages by default", () => {
    expectTypeOf<KeyvBackend>().toExtend<MemoryBackend<Message>>();
    expectTypeOf<KeyvBackend<Note>>().toExtend<MemoryBackend<Note>>();
    expectTypeOf<KeyvBackend<Note>>().not.toExtend<MemoryBackend<Message>>();
    expectTypeOf(fromConfig<Note>).returns.toEqualTypeOf<KeyvBackend<Note>>();
  });
});
