import { MemoryError } from "@deep-agent/core";
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
});
