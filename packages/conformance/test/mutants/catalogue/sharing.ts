import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const sharing: Mutant[] = breaking("another instance sees every change at its next call", {
  "keeps what it has read": (honest) => {
    const known = new Map<string, KitRecord[] | null>();
    return {
      async load(id, options) {
        const records = known.get(id) ?? (await honest.load(id, options));
        known.set(id, records);
        return records;
      },
      async save(id, records, options) {
        known.delete(id);
        await honest.save(id, records, options);
      },
    };
  },
  "keeps the list of ids": (honest) => {
    let ids: string[] | undefined;
    return {
      async list(options) {
        ids ??= await honest.list(options);
        return [...ids];
      },
    };
  },
  "has facts about its own writes only": (honest) => {
    const written = new Set<string>();
    return {
      async save(id, ...args) {
        written.add(id);
        await honest.save(id, ...args);
      },
      info: async (id, options) => (written.has(id) ? honest.info(id, options) : null),
    };
  },
  "has its own writes only in its catalogue": (honest) => {
    const written = new Set<string>();
    return {
      async save(id, ...args) {
        written.add(id);
        await honest.save(id, ...args);
      },
      async recent(options) {
        const page = await honest.recent(options);
        return { ...page, memories: page.memories.filter(({ memoryId }) => written.has(memoryId)) };
      },
    };
  },
});
