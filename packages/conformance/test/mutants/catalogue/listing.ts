import { MemoryError } from "@deep-agent/core";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { globPattern, likePattern } from "../patterns.ts";

export const listing: Mutant[] = breaking("list answers the ids of all memories, each once", {
  "lists what was deleted": (honest) => {
    const deleted: string[] = [];
    return {
      async delete(id, options) {
        deleted.push(id);
        await honest.delete(id, options);
      },
      list: async (options) => [...(await honest.list(options)), ...deleted],
    };
  },
  "lists an id once for each write": (honest) => {
    const writes: string[] = [];
    return {
      async save(id, records, options) {
        writes.push(id);
        await honest.save(id, records, options);
      },
      async list(options) {
        const ids = await honest.list(options);
        return writes.filter((id) => ids.includes(id));
      },
    };
  },
  "lists an id twice where there are many": listed((ids) => (ids.length > 500 ? [...ids, ...ids.slice(0, 1)] : ids)),
  "ends a list at 500": listed((ids) => ids.slice(0, 500)),
  "leaves out one at the end of a page": listed((ids) => ids.filter((_id, index) => index % 500 !== 499)),
  "lists the keys that it makes of ids": listed((ids) => ids.map(encodeURIComponent)),
  "answers with a list that it keeps": (honest) => {
    const kept = new Map<string | undefined, string[]>();
    return {
      async save(...args) {
        kept.clear();
        await honest.save(...args);
      },
      async list(options) {
        const ids = kept.get(options?.prefix) ?? (await honest.list(options));
        kept.set(options?.prefix, ids);
        return ids;
      },
    };
  },
  "answers null for an empty list": (honest) => ({
    async list(options) {
      const ids = await honest.list(options);
      return ids.length === 0 ? (null as unknown as string[]) : ids;
    },
  }),

  "does not know prefixes": (honest) => ({ list: async ({ prefix: _, ...options } = {}) => honest.list(options) }),
  "takes a prefix for a glob": prefixed((prefix) => globPattern(prefix, "")),
  "takes a prefix for a LIKE pattern": prefixed((prefix) => likePattern(prefix, "")),
  "takes a prefix for a regular expression": prefixed((prefix) => {
    try {
      return new RegExp(`^${prefix}`);
    } catch {
      throw new MemoryError("INVALID_ARGUMENT", "The prefix is no regular expression.");
    }
  }),
  "takes a prefix for a folder": prefixed((prefix) => ({ test: (id) => id === prefix || id.startsWith(`${prefix}/`) })),
  "takes a prefix for a part": prefixed((prefix) => ({ test: (id) => id.includes(prefix) })),
  "leaves out the one that is the prefix": prefixed((prefix) => ({
    test: (id) => id.startsWith(prefix) && (id !== prefix || id.length !== 1),
  })),
  "does not tell a prefix's case": prefixed((prefix) => ({
    test: (id) => id.toLowerCase().startsWith(prefix.toLowerCase()),
  })),
  "normalises a prefix": prefixed((prefix) => ({ test: (id) => id.normalize().startsWith(prefix.normalize()) })),
  "refuses a prefix that is longer than an id": (honest) => ({
    async list(options) {
      if ((options?.prefix?.length ?? 0) <= 1_024) return honest.list(options);
      throw new MemoryError("INVALID_ARGUMENT", "The prefix is too long.");
    },
  }),
});

function listed(change: (ids: string[]) => string[]): Mutation {
  return (honest) => ({ list: async (options) => change(await honest.list(options)) });
}

function prefixed(matcher: (prefix: string) => { test(id: string): boolean }): Mutation {
  return (honest) => ({
    async list({ prefix = "", ...options } = {}) {
      const matching = prefix === "" ? undefined : matcher(prefix);
      return (await honest.list(options)).filter((id) => matching?.test(id) ?? true);
    },
  });
}
