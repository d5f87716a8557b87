import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemoryError, type Message, type Revision } from "@deep-agent/core";
import type { LogCapability, MemoryBackend } from "@deep-agent/core/adapter";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { RedisBackend } from "@deep-agent/redis";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import {
  enforceRetention,
  reencrypt,
  withEncryption,
  withFallback,
  withPrefix,
  withRedaction,
  withRetention,
  withRetry,
  withTimeout,
} from "../src/index.ts";
import { ID_KEY, KEY, OTHER_KEY } from "./support/keys.ts";
import { rejectionOf } from "./support/stores.ts";

/*
 * An append takes effect, its reply is lost, and the library rewrites the memory before the append is tried again.
 */

type Store = MemoryBackend<Message> & LogCapability<Message>;

const ID = "alice";
/** An id whose name in a part of a store is cut, so that a label stands beside its memory. */
const LONG_ID = "x".repeat(1_020);
const DAY = 24 * 60 * 60 * 1_000;

let server: RedisServer;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "deep-agent-middleware-"));
  server = await startRedis();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});

let backends: RedisBackend<Message>[] = [];
afterEach(async () => {
  await Promise.all(backends.map((backend) => backend.close()));
  backends = [];
});

function opened(backend: RedisBackend<Message>): Store {
  backends.push(backend);
  return backend;
}

let number = 0;
const stores: Record<string, () => Store> = {
  "in-memory": () => new InMemoryBackend<Message>(),
  file: () => new FileBackend<Message>({ directory: join(directory, `store-${number++}`), durability: "os" }),
  "file, compacted at each save": () =>
    new FileBackend<Message>({
      directory: join(directory, `store-${number++}`),
      durability: "os",
      compactAt: 0,
      compactMinBytes: 0,
    }),
  redis: () => opened(new RedisBackend<Message>({ addr: server.addr, prefix: `store-${number++}:` })),
};

function question(n: number, createdAt = Date.now()): Message {
  return { role: "user", content: `question ${n}`, id: `q${n}`, createdAt };
}

const oldKeys = { keys: { old: OTHER_KEY }, current: "old", idKey: ID_KEY };
const newKeys = { keys: { old: OTHER_KEY, new: KEY }, current: "new", idKey: ID_KEY };

/** Layers around a store, as a caller has them, and what rewrites its memories below them or beside them. */
interface Rewrite {
  layers: (store: Store) => Store;
  rewrite: (store: Store) => Promise<unknown>;
  /** When the first messages were made, in ms since 1970. Default: now. */
  madeAt?: number;
}

const spare = (): Store => new InMemoryBackend<Message>();

const rewrites: Record<string, Rewrite> = {
  "enforceRetention cuts by age": {
    layers: (store) => store,
    rewrite: (store) => enforceRetention(store, { maxAge: "7d" }),
    madeAt: Date.now() - 8 * DAY,
  },
  "enforceRetention cuts by number": {
    layers: (store) => store,
    rewrite: (store) => enforceRetention(store, { maxRecords: 2 }),
  },
  "another process cuts by withRetention": {
    layers: (store) => withRetention(store, { maxRecords: 100 }),
    rewrite: (store) => withRetention(store, { maxRecords: 3 }).append(ID, [question(50)]),
  },
  "reencrypt seals with a new key": {
    layers: (store) => withEncryption(store, newKeys),
    rewrite: async (store) => {
      expect(await reencrypt(withEncryption(store, newKeys))).toMatchObject({ changed: 1 });
    },
  },
  "reencrypt, and then a cut": {
    layers: (store) => withEncryption(store, newKeys),
    rewrite: async (store) => {
      await reencrypt(withEncryption(store, newKeys));
      await enforceRetention(withEncryption(store, newKeys), { maxRecords: 2 });
    },
  },
  "a cut through every layer": {
    layers: (store) => everyLayer(store),
    rewrite: (store) => enforceRetention(everyLayer(store), { maxRecords: 2 }),
  },
};

/** All layers that pass a save on. */
function everyLayer(store: Store): Store {
  const sealed = withEncryption(withRetry(withTimeout(store, 60_000)), newKeys);
  return withRedaction(
    withRetention(withPrefix(withFallback(sealed, spare()), "acme"), { maxRecords: 1_000 }),
    (message) => message,
  );
}

/** Fills a memory, as writers with the old key did. */
async function filled(store: Store, { layers }: Rewrite, id: string, madeAt?: number): Promise<Store> {
  const isSealed = layers === rewrites["reencrypt seals with a new key"]?.layers;
  const before = isSealed ? withEncryption(store, oldKeys) : layers(store);
  for (let n = 0; n < 8; n++) await before.append(id, [question(n, madeAt)], { operationId: `turn-${n}` });
  return layers(store);
}

/** The numbers of the questions that are stored, in order. */
async function asked(backend: Store, id = ID): Promise<number[] | undefined> {
  return (await backend.load(id))?.map((message) => Number(message.id?.slice(1)));
}

describe.each(Object.entries(stores))("on %s", (_store, openStore) => {
  describe.each(Object.entries(rewrites))("if %s between a lost reply and the next attempt", (_name, rewriting) => {
    it.each([
      ["without `since`", () => undefined],
      ["with `since` from before the write", (known: Revision) => known],
      ["with `since: null`", () => null],
    ])("the append is stored once, tried again %s", async (_how, sinceOf) => {
      const store = openStore();
      const backend = await filled(store, rewriting, ID, rewriting.madeAt);
      const known = (await backend.read(ID, { last: 1 }))?.revision ?? "";
      const lost = { operationId: "lost" };
      await backend.append(ID, [question(9)], lost);
      await rewriting.rewrite(store);
      const before = await asked(backend);
      expect(before?.filter((n) => n === 9)).toEqual([9]);
      const revision = await backend.append(ID, [question(9)], { ...lost, since: sinceOf(known) });
      expect(await asked(backend)).toEqual(before);
      // The revision is one of the new log: the next turn can rely on it.
      await backend.append(ID, [question(10)], { since: revision });
      expect(await asked(backend)).toEqual([...(before ?? []), 10]);
    });
  });

  it("the newest 64 appends stay known through many cuts, however they were removed", async () => {
    const store = openStore();
    const backend = withRetention(store, { maxRecords: 8 });
    for (let n = 0; n < 100; n++) await backend.append(ID, [question(n)], { operationId: `turn-${n}` });
    const before = await asked(backend);
    expect(before?.length).toBeLessThanOrEqual(10);
    for (let n = 36; n < 100; n++) await store.append(ID, [question(n)], { operationId: `turn-${n}` });
    expect(await asked(backend)).toEqual(before);
  });

  it("a long id in a part of a store keeps its appends, too", async () => {
    const store = openStore();
    const part = withPrefix(store, "acme");
    for (let n = 0; n < 8; n++) await part.append(LONG_ID, [question(n)], { operationId: `turn-${n}` });
    await enforceRetention(part, { maxRecords: 2 });
    await part.append(LONG_ID, [question(0)], { operationId: "turn-0" });
    expect(await asked(part, LONG_ID)).toEqual([6, 7]);
  });
});

describe("a store without a log", () => {
  it("is sealed again as before", async () => {
    const store = new InMemoryBackend<Message>();
    const plain: MemoryBackend<Message> = {
      load: (id, options) => store.load(id, options),
      async save(id, records, options = {}) {
        if (options.keepOperations !== undefined) throw new MemoryError("NOT_SUPPORTED", "There is no log.");
        await store.save(id, records, options);
      },
      delete: (id) => store.delete(id),
      list: () => store.list(),
    };
    await withEncryption(plain, oldKeys).save(ID, [question(0)]);
    const backend = withEncryption(plain, newKeys);
    expect(await rejectionOf(reencrypt(backend))).toMatchObject({ code: "NOT_SUPPORTED" });
    expect(await reencrypt(backend, { exclusive: true })).toMatchObject({ changed: 1 });
    expect(await backend.load(ID)).toMatchObject([{ id: "q0" }]);
  });
});
