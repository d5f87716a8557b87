import { setImmediate as tick } from "node:timers/promises";
import { MemoryError } from "@deep-agent/core";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { globPattern, likePattern } from "../patterns.ts";

export const listing: Mutant[] = breaking("list returns the ids of all memories, each once", {
  "lists deleted memories": (honest) => {
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
  "lists an id twice if there are many": listed((ids) => (ids.length > 500 ? [...ids, ...ids.slice(0, 1)] : ids)),
  "ends a list at 500": listed((ids) => ids.slice(0, 500)),
  "leaves out the last id of each page": listed((ids) => ids.filter((_id, index) => index % 500 !== 499)),
  "lists the keys that it makes of ids": listed((ids) => ids.map(encodeURIComponent)),
  "returns the list that it keeps": (honest) => {
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
  "returns null instead of an empty list": (honest) => ({
    async list(options) {
      const ids = await honest.list(options);
      return ids.length === 0 ? (null as unknown as string[]) : ids;
    },
  }),

  "ignores the prefix": (honest) => ({ list: async ({ prefix: _, ...options } = {}) => honest.list(options) }),
  "treats the prefix as a glob": prefixed((prefix) => globPattern(prefix, "")),
  "treats the prefix as a LIKE pattern": prefixed((prefix) => likePattern(prefix, "")),
  "treats the prefix as a regular expression": prefixed((prefix) => {
    try {
      return new RegExp(`^${prefix}`);
    } catch {
      throw new MemoryError("INVALID_ARGUMENT", "The prefix is not a regular expression.");
    }
  }),
  "treats the prefix as a folder": prefixed((prefix) => ({
    test: (id) => id === prefix || id.startsWith(`${prefix}/`),
  })),
  "finds the prefix anywhere in the id": prefixed((prefix) => ({ test: (id) => id.includes(prefix) })),
  "leaves out the id that is equal to the prefix": prefixed((prefix) => ({
    test: (id) => id.startsWith(prefix) && (id !== prefix || id.length !== 1),
  })),
  "ignores the case of the prefix": prefixed((prefix) => ({
    test: (id) => id.toLowerCase().startsWith(prefix.toLowerCase()),
  })),
  "normalises a prefix": prefixed((prefix) => ({ test: (id) => id.normalize().startsWith(prefix.normalize()) })),
  "refuses a prefix that is longer than an id": (honest) => ({
    async list(options) {
      if ((options?.prefix?.length ?? 0) <= 1_024) return honest.list(options);
      throw new MemoryError("INVALID_ARGUMENT", "The prefix is too long.");
    },
  }),

  "ends a list at a thousand": listed((ids) => ids.slice(0, 1_000)),
  "has four methods, and ends a list at a thousand": onFourMethods(listed((ids) => ids.slice(0, 1_000))),
  "lists an id twice after an append": (honest) => {
    const appended = new Set<string>();
    return {
      async append(id, ...rest) {
        appended.add(id);
        return honest.append(id, ...rest);
      },
      async list(options) {
        const ids = await honest.list(options);
        return [...ids, ...ids.filter((id) => appended.has(id))];
      },
    };
  },
  "turns half a character of a prefix into another one": prefixed((prefix) => ({
    test: (id) => id.startsWith(prefix.toWellFormed()),
  })),
  "ends a prefix at a NUL": prefixed((prefix) => ({ test: (id) => id.startsWith(prefix.split("\0")[0] ?? "") })),
  "trims a prefix": prefixed((prefix) => ({ test: (id) => id.startsWith(prefix.trim()) })),
  "ends a prefix at the end of a line": prefixed((prefix) => ({ test: (id) => id.startsWith(prefix.trimEnd()) })),
  "counts pages by offset while others delete": (honest) => ({
    async list(options) {
      const found: string[] = [];
      for (let from = 0; ; from += 10) {
        const page = (await honest.list(options)).sort().slice(from, from + 10);
        if (page.length === 0) return [...new Set(found)];
        found.push(...page);
        await tick();
      }
    },
  }),
  "lists an id again if others write meanwhile": (honest) => {
    let writes = 0;
    return {
      async save(...args) {
        writes += 1;
        await honest.save(...args);
      },
      async list(options) {
        const before = writes;
        const ids = await honest.list(options);
        await tick();
        return writes === before ? ids : [...ids, ...ids.slice(-1)];
      },
    };
  },
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
