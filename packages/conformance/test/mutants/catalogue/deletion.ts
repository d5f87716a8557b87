import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { globPattern, likePattern } from "../patterns.ts";

export const deletion: Mutant[] = breaking("delete removes one memory, and all of it", {
  // LangGraph's kit does not catch it.
  "deletes all memories whose ids begin with the id": deleting((id) => (other) => other.startsWith(id)),
  "treats an id as a glob": deleting((id) => {
    const pattern = globPattern(id);
    return (other) => pattern.test(other);
  }),
  "treats an id as a LIKE pattern": deleting((id) => {
    const pattern = likePattern(id);
    return (other) => pattern.test(other);
  }),
  "deletes memories whose ids differ in case only": deleting(
    (id) => (other) => other.toLowerCase() === id.toLowerCase(),
  ),
  "deletes memories whose ids differ in white space only": deleting((id) => (other) => other.trim() === id),
  "deletes the folder of that name": deleting((id) => (other) => other === id || other.startsWith(`${id}/`)),

  "deletes nothing": () => ({ delete: async () => undefined }),
  "empties a memory instead of deleting it": (honest) => ({ delete: (id) => honest.save(id, []) }),
  "leaves one record": (honest) => ({
    async delete(id) {
      const records = (await honest.load(id)) ?? [];
      if (records.length > 1) await honest.save(id, records.slice(0, 1));
      else await honest.delete(id);
    },
  }),
  "deletes saved records only": (honest) => {
    const appended = new Set<string>();
    return {
      async append(id, ...rest) {
        appended.add(id);
        return honest.append(id, ...rest);
      },
      delete: async (id, options) => (appended.has(id) ? undefined : honest.delete(id, options)),
    };
  },
  "returns whether there was a memory": (honest) => ({
    async delete(id, options) {
      const records = await honest.load(id);
      await honest.delete(id, options);
      return (records !== null) as unknown as undefined;
    },
  }),
  "hides deleted records until the next append": (honest) => {
    const hidden = new Set<string>();
    return {
      load: async (id, options) => (hidden.has(id) ? null : honest.load(id, options)),
      read: async (id, options) => (hidden.has(id) ? null : honest.read(id, options)),
      info: async (id, options) => (hidden.has(id) ? null : honest.info(id, options)),
      list: async (options) => (await honest.list(options)).filter((id) => !hidden.has(id)),
      async recent(options) {
        const page = await honest.recent(options);
        return { ...page, memories: page.memories.filter(({ memoryId }) => !hidden.has(memoryId)) };
      },
      async save(id, records, options) {
        hidden.delete(id);
        await honest.save(id, records, options);
      },
      async append(id, records, options) {
        hidden.delete(id);
        return honest.append(id, records, options);
      },
      async delete(id) {
        hidden.add(id);
      },
    };
  },
  "never accepts a deleted id again": (honest) => {
    const deleted = new Set<string>();
    return {
      async delete(id, options) {
        deleted.add(id);
        await honest.delete(id, options);
      },
      save: async (id, records, options) => (deleted.has(id) ? undefined : honest.save(id, records, options)),
    };
  },
  "keeps the last state of a deleted memory": (honest) => {
    const last = new Map<string, KitRecord[]>();
    return {
      async delete(id, options) {
        last.set(id, (await honest.load(id)) ?? []);
        await honest.delete(id, options);
      },
      load: async (id, options) => (await honest.load(id, options)) ?? last.get(id) ?? null,
    };
  },
  "keeps a deleted memory in its catalogue": (honest) => {
    const deleted: string[] = [];
    return {
      async delete(id, options) {
        deleted.push(id);
        await honest.delete(id, options);
      },
      async recent(options) {
        const { memories, cursor } = await honest.recent(options);
        return { memories: [...memories, ...deleted.map((memoryId) => ({ memoryId, updatedAt: 0 }))], cursor };
      },
    };
  },
  "keeps the facts about a deleted memory": (honest) => {
    let facts: Awaited<ReturnType<typeof honest.info>> = null;
    return {
      async delete(id, options) {
        facts = await honest.info(id);
        await honest.delete(id, options);
      },
      info: async (id, options) => (await honest.info(id, options)) ?? facts,
    };
  },
  "fails if another call deletes the same memory": (honest) => {
    let deletes = 0;
    return {
      async delete(id, options) {
        deletes += 1;
        try {
          await Promise.resolve();
          if (deletes > 1) throw new Error("The row was changed by another transaction.");
          await honest.delete(id, options);
        } finally {
          deletes -= 1;
        }
      },
    };
  },

  "does not delete a memory for the fifth time": (honest) => {
    const deletes = new Map<string, number>();
    return {
      async delete(id, options) {
        deletes.set(id, (deletes.get(id) ?? 0) + 1);
        if (deletes.get(id) !== 5) await honest.delete(id, options);
      },
    };
  },
  "deletes at most 8,192 records": (honest) => ({
    async delete(id, options) {
      const records = (await honest.load(id)) ?? [];
      if (records.length > 8_192) await honest.save(id, records.slice(8_192));
      else await honest.delete(id, options);
    },
  }),
  "does not delete a memory that is empty": (honest) => ({
    async delete(id, options) {
      if ((await honest.load(id))?.length !== 0) await honest.delete(id, options);
    },
  }),
  "has four methods, and empties a memory instead of deleting it": onFourMethods((honest) => ({
    delete: (id) => honest.save(id, []),
  })),
});

/** Deletes all memories whose ids match. */
function deleting(matcher: (id: string) => (other: string) => boolean): Mutation {
  return (honest) => ({
    async delete(id, options) {
      const ids = (await honest.list()).filter(matcher(id));
      await Promise.all([id, ...ids].map((other) => honest.delete(other, options)));
    },
  });
}
