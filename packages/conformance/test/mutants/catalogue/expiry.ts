import type { MemoryInfo } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { ending } from "../ending.ts";
import { breaking, type Mutant } from "../mutant.ts";

const NEVER = Number.POSITIVE_INFINITY;
const A_WHILE = 40_000;

export const expiry: Mutant[] = breaking("a memory ends when nothing was written to it for its time to live", {
  "never ends": ending(() => NEVER),
  "ends too late": ending((_by, fresh) => fresh + A_WHILE),
  "ends too early": ending((_by, fresh) => fresh - A_WHILE),
  "counts from the first write": ending((_by, fresh, deadline) => deadline ?? fresh),
  "does not renew where it saves": ending((by, fresh, deadline) => (by === "save" ? (deadline ?? fresh) : fresh)),
  "does not renew where it appends": ending((by, fresh, deadline) => (by === "append" ? (deadline ?? fresh) : fresh)),
  "lets what is appended to live for ever": ending((by, fresh, deadline) =>
    by === "append" && deadline ? NEVER : fresh,
  ),
  "renews where it loads": (honest) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      await honest.touch(id);
      return records;
    },
  }),
  "renews all where one is written": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      for (const other of await honest.list()) await honest.touch(other);
    },
  }),
  "ends all where one ends": (honest) => {
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

  "lists what ended": (honest) => {
    const saved = new Set<string>();
    return {
      async save(id, records, options) {
        saved.add(id);
        await honest.save(id, records, options);
      },
      list: async () => [...saved],
    };
  },
  "reads what ended": (honest) => {
    let last: Awaited<ReturnType<typeof honest.read>> = null;
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        last = await honest.read(id);
      },
      read: async (id, options) => (await honest.read(id, options)) ?? last,
    };
  },
  "has what ended in its catalogue": (honest) => {
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
  "tells facts about what ended": (honest) => {
    let last: MemoryInfo | null = null;
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        last = await honest.info(id);
      },
      info: async (id, options) => (await honest.info(id, options)) ?? last,
    };
  },
  "brings back what ended, with what is new": (honest) => {
    const ended = new Map<string, readonly KitRecord[]>();
    return {
      async save(id, records, options) {
        const isNew = (await honest.load(id)) === null;
        await honest.save(id, isNew ? [...(ended.get(id) ?? []), ...records] : records, options);
        ended.set(id, [...records]);
      },
    };
  },
  "appends since a log that ended": (honest) => ({
    async append(id, records, options) {
      const isGone = (await honest.load(id)) === null;
      return honest.append(id, records, isGone ? { ...options, since: undefined } : options);
    },
  }),
  "takes a log that ended for a loss": (honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot && { ...snapshot, regressed: snapshot.reset };
    },
  }),

  "does not tell when it ends": (honest) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, expiresAt: null };
    },
  }),
  "tells the time to live for the time of the end": (honest, { ttl }) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, expiresAt: ttl };
    },
  }),
  "tells when it would have ended at first": (honest) => {
    let first: number | null = null;
    return {
      async info(...args) {
        const facts = await honest.info(...args);
        first ??= facts?.expiresAt ?? null;
        return facts && { ...facts, expiresAt: first };
      },
    };
  },
  "leaves the key of its log when the memory ends": (honest, { sideKeys }) => ({
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
