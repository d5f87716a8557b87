import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
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

  "keeps what it has loaded three times": (honest) => {
    const loads = new Map<string, { count: number; records: KitRecord[] | null }>();
    return {
      async load(id, options) {
        const known = loads.get(id) ?? { count: 0, records: null };
        const records = known.count >= 3 && known.records !== null ? known.records : await honest.load(id, options);
        loads.set(id, { count: known.count + 1, records });
        return structuredClone(records);
      },
      async save(id, records, options) {
        loads.delete(id);
        await honest.save(id, records, options);
      },
    };
  },
  "returns the first write of its instance as the creation": (honest, { instances }) => {
    const wrote = new Map<string, number>();
    return {
      async save(id, ...rest) {
        await honest.save(id, ...rest);
        wrote.set(id, ((await honest.info(id))?.updatedAt ?? 0) + 1);
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, createdAt: (instances > 1 ? wrote.get(id) : undefined) ?? facts.createdAt };
      },
    };
  },
  "counts the records of its own last save": (honest) => {
    const saved = new Map<string, number>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        saved.set(id, records.length);
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, records: saved.get(id) ?? facts.records };
      },
    };
  },
  "has four methods, and keeps what it has read": onFourMethods((honest) => {
    const known = new Map<string, KitRecord[] | null>();
    return {
      async load(id, options) {
        const records = known.get(id) ?? (await honest.load(id, options));
        known.set(id, records);
        return structuredClone(records);
      },
      async save(id, records, options) {
        known.delete(id);
        await honest.save(id, records, options);
      },
    };
  }),
});
