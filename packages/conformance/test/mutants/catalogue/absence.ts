import { MemoryError } from "@deep-agent/core";
import { breaking, type Mutant } from "../mutant.ts";

export const absence: Mutant[] = breaking("an absent memory is null, and an empty one is []", {
  "answers [] for what is absent": (honest) => ({ load: async (...args) => (await honest.load(...args)) ?? [] }),
  "answers undefined for what is absent": (honest) => ({
    load: async (...args) => (await honest.load(...args)) ?? (undefined as unknown as null),
  }),
  "answers null for what is empty": (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      return records?.length === 0 ? null : records;
    },
  }),
  "deletes what is emptied": (honest) => ({
    save: (id, records, options) => (records.length === 0 ? honest.delete(id) : honest.save(id, records, options)),
  }),
  "does not list what is empty": (honest) => ({
    async list(...args) {
      const ids = await honest.list(...args);
      const records = await Promise.all(ids.map((id) => honest.load(id)));
      return ids.filter((_id, index) => records[index]?.length !== 0);
    },
  }),
  "rejects a load of what is absent": (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      if (records === null) throw new MemoryError("UNAVAILABLE", "There is no such memory.");
      return records;
    },
  }),

  // LangGraph's kit lets it pass.
  "rejects a delete of what is absent": (honest) => ({
    async delete(...args) {
      if ((await honest.load(...args)) === null) throw new MemoryError("CONFLICT", "There is no such memory.");
      await honest.delete(...args);
    },
  }),

  "makes what it is asked for": (honest) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      if (records === null) await honest.save(id, []);
      return records;
    },
  }),
  "makes what it deletes": (honest) => ({
    async delete(id, options) {
      if ((await honest.load(id, options)) === null) await honest.save(id, []);
      else await honest.delete(id, options);
    },
  }),
  "reads what is absent as an empty log": (honest) => ({
    async read(...args) {
      const nothing = { records: [], revision: "0", start: null, reset: false, regressed: false };
      return (await honest.read(...args)) ?? nothing;
    },
  }),
  "reads what is empty as absent": (honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot?.records.length === 0 ? null : snapshot;
    },
  }),
  "tells facts about what is absent": (honest) => ({
    async info(...args) {
      const nothing = { records: 0, bytes: 0, createdAt: 0, updatedAt: 0, expiresAt: null };
      return (await honest.info(...args)) ?? nothing;
    },
  }),
  "answers a save with the records": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      return records as unknown as undefined;
    },
  }),
});
