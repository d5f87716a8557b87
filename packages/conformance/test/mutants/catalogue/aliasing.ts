import type { Snapshot } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant } from "../mutant.ts";

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
});
