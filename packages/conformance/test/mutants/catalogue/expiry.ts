import type { MemoryInfo } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { ending } from "../ending.ts";
import { breaking, type Mutant } from "../mutant.ts";

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
});
