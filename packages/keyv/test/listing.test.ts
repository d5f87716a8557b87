import { describe, expect, it } from "@jest/globals";
import { Keyv, KeyvMemoryAdapter } from "keyv";
import { KeyvBackend, type KeyvStore } from "../src/index.ts";
import { FaultyStore, type Note, notes } from "./support/stores.ts";

/** A Map that cannot be iterated. */
class Bare {
  readonly #rows = new Map<string, unknown>();
  get = (key: string): unknown => this.#rows.get(key);
  has = (key: string): boolean => this.#rows.has(key);
  delete = (key: string): boolean => this.#rows.delete(key);
  clear = (): void => this.#rows.clear();
  set = (key: string, value: unknown): void => void this.#rows.set(key, value);
}

/** A Map that returns promises, and cannot be iterated. */
class BareAsync {
  readonly #rows = new Map<string, unknown>();
  get = async (key: string): Promise<unknown> => this.#rows.get(key);
  set = async (key: string, value: unknown): Promise<void> => void this.#rows.set(key, value);
  delete = async (key: string): Promise<boolean> => this.#rows.delete(key);
  clear = async (): Promise<void> => this.#rows.clear();
  /** Keyv does not iterate over such a store with this method. */
  entries = (): Iterable<[string, unknown]> => this.#rows.entries();
}

/** A store that, as many older ones do, gives keys without values, and the keys of all namespaces. */
class Keys extends BareAsync {
  readonly keys = new Set<string>();
  override set = async (key: string, value: unknown): Promise<void> => {
    this.keys.add(key);
    this.#values.set(key, value);
  };
  override get = async (key: string): Promise<unknown> => this.#values.get(key);
  readonly #values = new Map<string, unknown>();
  async *iterator(): AsyncGenerator<string> {
    yield* this.keys;
  }
}

function withoutIterator(): KeyvStore {
  const store = new FaultyStore();
  Object.defineProperty(store, "iterator", { value: undefined });
  return store;
}

describe("on a store that cannot be iterated, list says so, and all else works", () => {
  it.each<[string, () => KeyvStore | Keyv]>([
    ["like a Map", () => new Bare()],
    ["with promises", () => new BareAsync()],
    ["for Keyv 6", withoutIterator],
    ["in a Keyv", () => new Keyv(new Bare())],
    ["in an adapter", () => new KeyvMemoryAdapter(new Bare())],
  ])("%s", async (_which, store) => {
    const backend = new KeyvBackend<Note>(store());
    await backend.save("alice", notes(0, 1));
    await expect(backend.list()).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      outcome: "not-applied",
      backend: "keyv",
      hint: expect.stringContaining("iterator"),
    });
    expect(await backend.load("alice")).toEqual(notes(0, 1));
    await backend.delete("alice");
    expect(await backend.load("alice")).toBeNull();
  });
});

describe("list answers the memories, and nothing else that is in the store", () => {
  it("not the values of other users, whether Keyv can read them or not", async () => {
    const store = new FaultyStore();
    const keyv = new Keyv({ store });
    const backend = new KeyvBackend<Note>(keyv);
    await backend.save("alice", notes(0, 1));
    await backend.save("Bob:7", notes(0, 1));
    await keyv.set("alice", "another value");
    await keyv.set("deep-agent.", "another value");
    store.rows.set("session", { value: "not JSON at all", expires: undefined });
    store.rows.set("count", { value: 7, expires: undefined });
    expect((await backend.list()).sort()).toEqual(["Bob:7", "alice"]);
  });

  it("not the memories of other namespaces, even if the store iterates over all of them", async () => {
    const store = new Keys();
    for (const namespace of ["a", "ab", "a::b", undefined]) {
      await new KeyvBackend<Note>(new Keyv({ store, ...(namespace && { namespace }) })).save(`of-${namespace}`, []);
    }
    for (const namespace of ["a", "ab", "a::b", undefined]) {
      const backend = new KeyvBackend<Note>(new Keyv({ store, ...(namespace && { namespace }) }));
      expect(await backend.list()).toEqual([`of-${namespace}`]);
    }
  });

  it("not an expired memory that is still in the store", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(new Keyv({ store, ttl: 60_000 }));
    await backend.save("alice", notes(0, 1));
    await backend.save("bob", notes(0, 1));
    const row = store.rows.get("deep-agent.bob");
    const { value } = JSON.parse(String(row?.value)) as { value: string };
    store.rows.set("deep-agent.bob", { value: JSON.stringify({ value, expires: 1 }), expires: 1 });
    expect(await backend.list()).toEqual(["alice"]);
    expect(await backend.load("bob")).toBeNull();
  });

  it("each memory once, even if the store gives a key twice", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    await backend.save("alice", notes(0, 1));
    const iterator = store.iterator.bind(store);
    store.iterator = async function* () {
      yield* iterator();
      yield* iterator();
    };
    expect(await backend.list()).toEqual(["alice"]);
  });

  it("not a memory that is deleted while they are listed", async () => {
    const store = new FaultyStore();
    const backend = new KeyvBackend<Note>(store);
    await backend.save("alice", notes(0, 1));
    store.iterator = async function* () {
      yield ["deep-agent.gone", undefined];
      yield ["deep-agent.alice", undefined];
    };
    expect(await backend.list()).toEqual(["alice"]);
  });
});
