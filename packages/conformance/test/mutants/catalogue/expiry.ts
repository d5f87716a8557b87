import type { MemoryInfo } from "@deep-agent/core";
import type { AppendOptions, ReadOptions } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { ending } from "../ending.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

const NEVER = Number.POSITIVE_INFINITY;
const A_WHILE = 40_000;

export const expiry: Mutant[] = breaking("a memory expires if nothing is written to it for its time to live", {
  "never expires memories": ending(() => NEVER),
  "expires memories too late": ending((_by, fresh) => fresh + A_WHILE),
  "expires memories too early": ending((_by, fresh) => fresh - A_WHILE),
  "counts from the first write": ending((_by, fresh, deadline) => deadline ?? fresh),
  "does not renew a memory when it saves": ending((by, fresh, deadline) =>
    by === "save" ? (deadline ?? fresh) : fresh,
  ),
  "does not renew a memory when it appends": ending((by, fresh, deadline) =>
    by === "append" ? (deadline ?? fresh) : fresh,
  ),
  "never expires a memory after an append": ending((by, fresh, deadline) =>
    by === "append" && deadline ? NEVER : fresh,
  ),
  "renews a memory when it loads it": (honest) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      await honest.touch(id);
      return records;
    },
  }),
  "renews all memories when one is written": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      for (const other of await honest.list()) await honest.touch(other);
    },
  }),
  "expires all memories when one expires": (honest) => {
    const saved = new Set<string>();
    return {
      async save(id, records, options) {
        saved.add(id);
        await honest.save(id, records, options);
      },
      async load(id, options) {
        const all = await Promise.all([...saved].map((other) => honest.load(other)));
        return all.includes(null) ? null : honest.load(id, options);
      },
    };
  },

  "lists expired memories": (honest) => {
    const saved = new Set<string>();
    return {
      async save(id, records, options) {
        saved.add(id);
        await honest.save(id, records, options);
      },
      list: async () => [...saved],
    };
  },
  "reads expired memories": (honest) => {
    let last: Awaited<ReturnType<typeof honest.read>> = null;
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        last = await honest.read(id);
      },
      read: async (id, options) => (await honest.read(id, options)) ?? last,
    };
  },
  "has expired memories in its catalogue": (honest) => {
    let last = "";
    return {
      async save(id, records, options) {
        last = id;
        await honest.save(id, records, options);
      },
      async recent(options) {
        const { memories, cursor } = await honest.recent(options);
        return { memories: memories.length === 0 ? [{ memoryId: last, updatedAt: Date.now() }] : memories, cursor };
      },
    };
  },
  "returns facts about expired memories": (honest) => {
    let last: MemoryInfo | null = null;
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        last = await honest.info(id);
      },
      info: async (id, options) => (await honest.info(id, options)) ?? last,
    };
  },
  "brings expired records back with new ones": (honest) => {
    const ended = new Map<string, readonly KitRecord[]>();
    return {
      async save(id, records, options) {
        const isNew = (await honest.load(id)) === null;
        await honest.save(id, isNew ? [...(ended.get(id) ?? []), ...records] : records, options);
        ended.set(id, [...records]);
      },
    };
  },
  "appends since an expired log": (honest) => ({
    async append(id, records, options) {
      const isGone = (await honest.load(id)) === null;
      return honest.append(id, records, isGone ? { ...options, since: undefined } : options);
    },
  }),
  "reports an expired log as a loss": (honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot && { ...snapshot, regressed: snapshot.reset };
    },
  }),

  "does not return the time of expiry": (honest) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, expiresAt: null };
    },
  }),
  "returns the time to live as the time of expiry": (honest, { ttl }) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, expiresAt: ttl };
    },
  }),
  "returns the first time of expiry only": (honest) => {
    let first: number | null = null;
    return {
      async info(...args) {
        const facts = await honest.info(...args);
        first ??= facts?.expiresAt ?? null;
        return facts && { ...facts, expiresAt: first };
      },
    };
  },
  "leaves the key of the log when a memory expires": (honest, { sideKeys }) => ({
    async append(id, records, options) {
      sideKeys.add(`${id}:log`);
      return honest.append(id, records, options);
    },
    async delete(id, options) {
      sideKeys.delete(`${id}:log`);
      await honest.delete(id, options);
    },
  }),

  ...Object.fromEntries(
    (["read", "info", "append", "save"] as const).map((method) => [
      `renews a memory by any call of ${method}`,
      renewing(method, () => true),
    ]),
  ),
  "renews a memory when what is new is read": renewing("read", ({ since }) => since !== undefined),
  "renews a memory when an older page is read": renewing("read", ({ before }) => before !== undefined),
  "renews a memory when its newest record is read": renewing("read", ({ last }) => last !== undefined),
  "renews a memory by a second attempt at an append": renewing("append", ({ operationId }) => operationId === "append"),
  "renews a memory by a second attempt at a save": renewing("save", ({ operationId }) => operationId === "save"),
  "renews a memory by an append that it refuses": renewing("append", ({ since }) => since === null),
  "renews a memory by a save that it refuses": renewing("save", ({ expectedRevision }) => expectedRevision === null),
  "renews a memory by an aborted save": renewing("save", ({ signal }) => signal?.aborted === true),
  "renews all memories when they are listed": (honest) => ({
    async list(options) {
      const ids = await honest.list(options);
      for (const id of ids) await honest.touch(id);
      return ids;
    },
  }),
  "renews the memories of a page": (honest) => ({
    async recent(options) {
      const page = await honest.recent(options);
      for (const { memoryId } of page.memories) await honest.touch(memoryId);
      return page;
    },
  }),
  "renews all memories by a ping": (honest) => ({
    async ping(options) {
      for (const id of await honest.list()) await honest.touch(id);
      return honest.ping(options);
    },
  }),
  "renews all memories by a delete": (honest) => ({
    async delete(id, options) {
      await honest.delete(id, options);
      for (const other of await honest.list()) await honest.touch(other);
    },
  }),
  "has four methods, and renews a memory when it loads it": onFourMethods((_honest, { memories }) => ({
    async load(id, options) {
      const records = await memories.load(id, options);
      await memories.touch(id);
      return records;
    },
  })),
  "expires memories a little too late": ending((_by, fresh) => fresh + 3_000),
  "expires memories a little too early": ending((_by, fresh) => fresh - 3_000),
  "does not renew a memory after its tenth save": (honest, store) => {
    let saves = 0;
    const changes = ending((by, fresh, deadline) => {
      if (by === "save") saves += 1;
      return saves > 10 ? (deadline ?? fresh) : fresh;
    });
    return changes(honest, store);
  },
  "does not renew a memory after its tenth append": (honest, store) => {
    let appends = 0;
    const changes = ending((by, fresh, deadline) => {
      if (by === "append") appends += 1;
      return appends > 10 ? (deadline ?? fresh) : fresh;
    });
    return changes(honest, store);
  },
  "gives a new memory the rest of the deleted one's time": ending((by, fresh, deadline) =>
    by === "save" ? (deadline ?? fresh) : fresh,
  ),
  "never expires empty memories": (honest) => {
    const empty = new Set<string>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        if (records.length === 0) empty.add(id);
        else empty.delete(id);
      },
      async load(id, options) {
        return (await honest.load(id, options)) ?? (empty.has(id) ? [] : null);
      },
    };
  },
  "returns the creation of an expired memory for the new one": (honest) => {
    let first: number | undefined;
    return {
      async info(id, options) {
        const facts = await honest.info(id, options);
        first ??= facts?.createdAt;
        return facts && { ...facts, createdAt: first ?? facts.createdAt };
      },
    };
  },
});

/** Renews the time to live of a memory by each call of the method whose options match, whether it succeeds or not. */
function renewing(
  method: "read" | "info" | "append" | "save",
  matches: (options: AppendOptions & ReadOptions) => boolean,
): Mutation {
  return (honest) => ({
    [method]: async (id: string, ...args: unknown[]): Promise<unknown> => {
      try {
        return await Reflect.apply(honest[method], honest, [id, ...args]);
      } finally {
        if (matches(Object(args.at(-1)))) await honest.touch(id);
      }
    },
  });
}
