import { MemoryError } from "@deep-agent/core";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const absence: Mutant[] = breaking("an absent memory is null, and an empty memory is []", {
  "returns [] for an absent memory": (honest) => ({ load: async (...args) => (await honest.load(...args)) ?? [] }),
  "returns undefined for an absent memory": (honest) => ({
    load: async (...args) => (await honest.load(...args)) ?? (undefined as unknown as null),
  }),
  "returns null for an empty memory": (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      return records?.length === 0 ? null : records;
    },
  }),
  "deletes a memory that is emptied": (honest) => ({
    save: (id, records, options) => (records.length === 0 ? honest.delete(id) : honest.save(id, records, options)),
  }),
  "does not list empty memories": (honest) => ({
    async list(...args) {
      const ids = await honest.list(...args);
      const records = await Promise.all(ids.map((id) => honest.load(id)));
      return ids.filter((_id, index) => records[index]?.length !== 0);
    },
  }),
  "rejects a load of an absent memory": (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      if (records === null) throw new MemoryError("UNAVAILABLE", "There is no such memory.");
      return records;
    },
  }),

  // LangGraph's kit does not catch it.
  "rejects a delete of an absent memory": (honest) => ({
    async delete(...args) {
      if ((await honest.load(...args)) === null) throw new MemoryError("CONFLICT", "There is no such memory.");
      await honest.delete(...args);
    },
  }),

  "creates an absent memory when it is loaded": (honest) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      if (records === null) await honest.save(id, []);
      return records;
    },
  }),
  "creates an absent memory when it is deleted": (honest) => ({
    async delete(id, options) {
      if ((await honest.load(id, options)) === null) await honest.save(id, []);
      else await honest.delete(id, options);
    },
  }),
  "reads an absent memory as an empty log": (honest) => ({
    async read(...args) {
      const nothing = { records: [], revision: "0", start: null, reset: false, regressed: false };
      return (await honest.read(...args)) ?? nothing;
    },
  }),
  "reads an empty memory as absent": (honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot?.records.length === 0 ? null : snapshot;
    },
  }),
  "returns facts about an absent memory": (honest) => ({
    async info(...args) {
      const nothing = { records: 0, bytes: 0, createdAt: 0, updatedAt: 0, expiresAt: null };
      return (await honest.info(...args)) ?? nothing;
    },
  }),
  "returns the records of a save": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      return records as unknown as undefined;
    },
  }),

  "creates an absent memory when its newest record is read": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      if (snapshot === null && options?.last !== undefined) await honest.save(id, []);
      return snapshot;
    },
  }),
  "creates an absent memory when its facts are read": (honest) => ({
    async info(id, options) {
      const facts = await honest.info(id, options);
      if (facts === null) await honest.save(id, []);
      return facts;
    },
  }),
  "creates an absent memory when its id is a prefix": (honest) => ({
    async list(options) {
      const ids = await honest.list(options);
      if (ids.length === 0 && options?.prefix) await honest.save(options.prefix, []);
      return ids;
    },
  }),
  "creates an absent memory when a save is refused": (honest) => ({
    async save(id, records, options) {
      try {
        await honest.save(id, records, options);
      } catch (error) {
        if ((await honest.load(id)) === null) await honest.save(id, []);
        throw error;
      }
    },
  }),
  "creates a memory with each ping": (honest) => ({
    async ping(options) {
      await honest.save("ping", []);
      return honest.ping(options);
    },
  }),
  "creates an absent memory at the third load": (honest) => {
    let loads = 0;
    return {
      async load(id, options) {
        loads += 1;
        if (loads === 3 && (await honest.load(id)) === null) await honest.save(id, []);
        return honest.load(id, options);
      },
    };
  },
  "reads an absent memory as another log if it gets a revision": (honest) => ({
    async read(id, options) {
      const known = options?.since ?? options?.before;
      if ((await honest.read(id, options)) !== null || known === undefined) return honest.read(id, options);
      return { records: [], revision: "none", start: null, reset: true, regressed: false };
    },
  }),
  "has four methods, and rejects a delete of an absent memory": onFourMethods((honest) => ({
    async delete(id, options) {
      if ((await honest.load(id)) === null) throw new MemoryError("CONFLICT", "There is no such memory.");
      await honest.delete(id, options);
    },
  })),
});
