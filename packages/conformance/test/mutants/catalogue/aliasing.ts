import type { Snapshot } from "@deep-agent/core";
import type { RecentMemory } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

export const aliasing: Mutant[] = breaking("nothing is shared with the caller", {
  "keeps the array that it is given": (honest) => {
    const kept = new Map<string, readonly KitRecord[]>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        kept.set(id, records);
      },
      load: async (id, options) => structuredClone([...(kept.get(id) ?? (await honest.load(id, options)) ?? [])]),
    };
  },
  "keeps the records that it is given": (honest) => {
    const kept = new Map<string, readonly KitRecord[]>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        kept.set(id, [...records]);
      },
      load: async (id, options) => structuredClone([...(kept.get(id) ?? (await honest.load(id, options)) ?? [])]),
    };
  },
  "waits before it reads the records of a save": (honest) => ({
    async save(...args) {
      await Promise.resolve();
      await honest.save(...args);
    },
  }),
  "waits before it reads the records of an append": (honest) => ({
    async append(...args) {
      await Promise.resolve();
      return honest.append(...args);
    },
  }),
  "returns the array that it keeps": (honest) => {
    const kept = new Map<string, KitRecord[] | null>();
    return {
      async save(id, records, options) {
        kept.delete(id);
        await honest.save(id, records, options);
      },
      async load(id, options) {
        const records = kept.get(id) ?? (await honest.load(id, options));
        kept.set(id, records);
        return records;
      },
    };
  },
  "returns the records that it keeps": (honest) => {
    const kept = new Map<string, KitRecord[] | null>();
    return {
      async save(id, records, options) {
        kept.delete(id);
        await honest.save(id, records, options);
      },
      async load(id, options) {
        const records = kept.get(id) ?? (await honest.load(id, options));
        kept.set(id, records);
        return records && [...records];
      },
    };
  },
  "returns one array to two loads at the same time": (honest) => {
    const pending = new Map<string, Promise<KitRecord[] | null>>();
    return {
      load(id, options) {
        const load = pending.get(id) ?? honest.load(id, options).finally(() => pending.delete(id));
        pending.set(id, load);
        return load;
      },
    };
  },
  "returns the snapshot that it keeps": (honest) => {
    const kept = new Map<string, Snapshot<KitRecord>>();
    return {
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        if (snapshot === null) return null;
        const { revision } = snapshot;
        kept.set(revision, kept.get(revision) ?? snapshot);
        return kept.get(revision) ?? null;
      },
    };
  },
  "writes into the options": (honest) => ({
    async save(id, records, options = {}) {
      Object.assign(options, { startedAt: Date.now() });
      await honest.save(id, records, options);
    },
  }),
  "writes into the records": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      for (const record of records) record["isSaved"] = true;
    },
  }),
  "sorts the array that it is given": (honest) => ({
    async append(id, records, options) {
      const revision = await honest.append(id, records, options);
      (records as KitRecord[]).sort();
      return revision;
    },
  }),

  "returns what it keeps from the third load on": sharingLoads(3),
  "returns what it keeps from the tenth load on": sharingLoads(10),
  "has four methods, and returns what it keeps from the third load on": onFourMethods(sharingLoads(3)),
  "returns the snapshot that it keeps from the third read on": (honest) => {
    const kept = new Map<string, Snapshot<KitRecord>>();
    let reads = 0;
    return {
      async read(id, options) {
        reads += 1;
        const snapshot = await honest.read(id, options);
        if (snapshot === null || reads < 3) return snapshot;
        const key = JSON.stringify([id, options, snapshot.revision]);
        kept.set(key, kept.get(key) ?? snapshot);
        return kept.get(key) ?? null;
      },
    };
  },
  "returns the records that it keeps to those who read what is new": (honest) => {
    const kept = new Map<string, KitRecord>();
    return {
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        if (snapshot === null || options?.since === undefined) return snapshot;
        const records = snapshot.records.map((record, index) => {
          const key = `${snapshot.start} ${snapshot.revision} ${index}`;
          kept.set(key, kept.get(key) ?? record);
          return kept.get(key) ?? record;
        });
        return { ...snapshot, records };
      },
    };
  },
  "keeps the records that it is given from the third save on": (honest) => {
    const kept = new Map<string, readonly KitRecord[]>();
    let saves = 0;
    return {
      async save(id, records, options) {
        saves += 1;
        await honest.save(id, records, options);
        if (saves >= 3) kept.set(id, records);
      },
      load: async (id, options) => structuredClone([...(kept.get(id) ?? (await honest.load(id, options)) ?? [])]),
    };
  },
  "returns the list of ids that it keeps from the fifth list on": (honest) => {
    let lists = 0;
    let kept: string[] | undefined;
    return {
      async list(options) {
        lists += 1;
        const ids = await honest.list(options);
        if (lists < 5 || options?.prefix !== undefined) return ids;
        kept ??= ids;
        return kept;
      },
    };
  },
  "returns the facts that it keeps": (honest) => {
    const kept = new Map<string, Awaited<ReturnType<typeof honest.info>>>();
    return {
      async info(id, options) {
        const facts = await honest.info(id, options);
        const key = `${id} ${facts?.updatedAt}`;
        kept.set(key, kept.get(key) ?? facts);
        return kept.get(key) ?? null;
      },
    };
  },
  "returns the memories that it keeps in each page": (honest) => {
    let kept: RecentMemory[] | undefined;
    return {
      async recent(options) {
        const page = await honest.recent(options);
        kept ??= page.memories;
        return options.cursor === undefined && options.prefix === undefined ? { ...page, memories: kept } : page;
      },
    };
  },

  "empties the array that it is given": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      Reflect.set(records, "length", 0);
    },
  }),
  "empties the array that it appends": (honest) => ({
    async append(id, records, options) {
      const revision = await honest.append(id, records, options);
      Reflect.set(records, "length", 0);
      return revision;
    },
  }),
  "sorts lists within the records that it is given": (honest) => ({
    async append(id, records, options) {
      const revision = await honest.append(id, records, options);
      for (const { deep } of records as { deep?: { list?: unknown[] } }[])
        if (deep?.list !== undefined && !Object.isFrozen(deep.list)) deep.list.sort();
      return revision;
    },
  }),
  "freezes the records that it is given": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      for (const record of records) Object.freeze(record);
    },
  }),
  "removes properties that are undefined from the caller's records": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      for (const record of records)
        for (const key of Object.keys(record)) if (record[key] === undefined) Reflect.deleteProperty(record, key);
    },
  }),
  "marks the caller's records with a symbol": (honest) => ({
    async append(id, records, options) {
      const revision = await honest.append(id, records, options);
      for (const record of records) Reflect.set(record, Symbol.for("stored"), true);
      return revision;
    },
  }),
  "writes an operation id into the caller's options": (honest) => ({
    async append(id, records, options = {}) {
      if (options.operationId === undefined) Reflect.set(options, "operationId", "made-here");
      return honest.append(id, records, options);
    },
  }),
  "takes the signal out of the caller's options": (honest) => ({
    async load(id, options = {}) {
      const records = await honest.load(id, options);
      Reflect.deleteProperty(options, "signal");
      return records;
    },
  }),
  "writes the next cursor into the caller's options": (honest) => ({
    async recent(options) {
      const page = await honest.recent(options);
      if (page.cursor !== null) Reflect.set(options, "cursor", page.cursor);
      return page;
    },
  }),
  "writes a limit into the caller's options of a read": (honest) => ({
    async read(id, options = {}) {
      const snapshot = await honest.read(id, options);
      if (options.last !== undefined) Reflect.set(options, "last", snapshot?.records.length);
      return snapshot;
    },
  }),
  "changes the caller's records if it refuses them": (honest) => ({
    async save(id, records, options) {
      try {
        await honest.save(id, records, options);
      } catch (error) {
        if (Array.isArray(records) && !Object.isFrozen(records)) records.pop();
        throw error;
      }
    },
  }),

  "reads the prefix of a list only when it lists": (honest) => ({
    async list(options) {
      await Promise.resolve();
      return honest.list(options);
    },
  }),
  "reads the options of an append only when it appends": (honest) => ({
    async append(id, records, options) {
      const own = structuredClone(records);
      await Promise.resolve();
      return honest.append(id, own, options);
    },
  }),
  "reads the options of a read only when it reads": (honest) => ({
    async read(id, options) {
      await Promise.resolve();
      return honest.read(id, options);
    },
  }),
});

/** Returns one and the same array from the n-th load of a memory on. */
function sharingLoads(from: number): Mutation {
  return (honest) => {
    const kept = new Map<string, KitRecord[] | null>();
    const loads = new Map<string, number>();
    const forget = (id: string): void => {
      kept.delete(id);
      loads.delete(id);
    };
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        forget(id);
      },
      async delete(id, options) {
        await honest.delete(id, options);
        forget(id);
      },
      async load(id, options) {
        const records = await honest.load(id, options);
        const count = (loads.get(id) ?? 0) + 1;
        loads.set(id, count);
        if (count < from) return records;
        kept.set(id, kept.get(id) ?? records);
        return kept.get(id) ?? null;
      },
    };
  };
}
