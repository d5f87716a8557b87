import type { RecentMemory, RecentOptions, RecentPage } from "@deep-agent/core/adapter";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { globPattern } from "../patterns.ts";

const ALL = 10_000;

export const catalogue: Mutant[] = breaking("recent returns the memories that were written last, page by page", {
  "returns the oldest memories first": sorted((memories) => memories.reverse()),
  "returns memories in the order of their ids": sorted((memories) =>
    memories.sort((a, b) => (a.memoryId < b.memoryId ? -1 : 1)),
  ),
  "returns memories in the order of their creation": (honest) => {
    const made: string[] = [];
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        if (!made.includes(id)) made.unshift(id);
      },
      ...pages(honest, (memories) => memories.sort((a, b) => made.indexOf(a.memoryId) - made.indexOf(b.memoryId))),
    };
  },
  "returns memories in the order of their last read": (honest) => {
    let read: string | undefined;
    return {
      async load(id, options) {
        read = id;
        return honest.load(id, options);
      },
      ...pages(honest, (memories) =>
        memories.sort((a, b) => Number(b.memoryId === read) - Number(a.memoryId === read)),
      ),
    };
  },
  "does not count an append as a write": (honest) => ({
    async append(id, records, options) {
      const { memories } = await honest.recent({ limit: ALL });
      const revision = await honest.append(id, records, options);
      const later = memories
        .slice(
          0,
          memories.findIndex(({ memoryId }) => memoryId === id),
        )
        .reverse();
      for (const { memoryId } of later) await honest.save(memoryId, (await honest.load(memoryId)) ?? []);
      return revision;
    },
  }),
  "keeps deleted memories": (honest) => {
    const deleted: RecentMemory[] = [];
    return {
      async delete(id, options) {
        await honest.delete(id, options);
        deleted.push({ memoryId: id, updatedAt: 1_700_000_000_000 });
      },
      ...pages(honest, (memories) => [...memories, ...deleted]),
    };
  },

  "counts pages from the beginning": (honest) => pages(honest, (memories) => memories),
  "repeats the last memory of a page on the next page": paged(({ memories }, { cursor }, last) =>
    cursor === undefined || last === undefined ? { memories } : { memories: [last, ...memories] },
  ),
  "leaves out the first memory of the next page": paged(({ memories }, { cursor }) =>
    cursor === undefined ? { memories } : { memories: memories.slice(1) },
  ),
  "ends at the first page": paged(() => ({ cursor: null })),
  "has no last page": paged(({ cursor }, { cursor: asked }) => ({ cursor: cursor ?? asked ?? "0" })),
  "returns an empty page instead of an exactly full one": (honest) => ({
    async recent(options) {
      const page = await honest.recent(options);
      return page.memories.length === options.limit && page.cursor === null ? { memories: [], cursor: null } : page;
    },
  }),
  "returns more memories than the limit": (honest) => ({
    recent: async (options) => honest.recent({ ...options, limit: options.limit + 1 }),
  }),

  "ignores the prefix": (honest) => ({ recent: async ({ prefix: _, ...options }) => honest.recent(options) }),
  "treats the prefix as a glob": (honest) => ({
    async recent({ prefix, ...options }) {
      if (typeof prefix !== "string") return honest.recent({ ...options, prefix });
      const pattern = globPattern(prefix, "");
      return pages(honest, (memories) => memories.filter(({ memoryId }) => pattern.test(memoryId))).recent(options);
    },
  }),
  "looks for the prefix in one page only": (honest) => ({
    async recent({ prefix = "", ...options }) {
      const { memories, cursor } = await honest.recent(options);
      return {
        memories: memories.filter(({ memoryId }) => memoryId.startsWith(prefix)),
        cursor: prefix === "" ? cursor : null,
      };
    },
  }),
  "returns encoded ids": returning(({ memoryId, ...memory }) => ({
    ...memory,
    memoryId: encodeURIComponent(memoryId),
  })),
  "returns times in seconds": returning(({ updatedAt, ...memory }) => ({
    ...memory,
    updatedAt: Math.floor(updatedAt / 1_000),
  })),
  "returns invalid times": returning((memory) => ({ ...memory, updatedAt: Number.NaN })),
  "begins again at an invalid cursor": (honest) => ({
    recent: async (options) =>
      honest.recent(options.cursor === "made up" ? { ...options, cursor: undefined } : options),
  }),
  "treats a missing limit as no limit": (honest) => ({
    recent: async (options) => honest.recent({ ...options, limit: options.limit ?? ALL }),
  }),
  "accepts a limit of zero": (honest) => ({
    recent: async (options) => (options.limit === 0 ? { memories: [], cursor: null } : honest.recent(options)),
  }),
});

type Recent = (options: RecentOptions) => Promise<RecentPage>;

/** Pages through a changed list of all memories, with a number as the cursor. */
function pages(honest: { recent: Recent }, change: (memories: RecentMemory[]) => RecentMemory[]): { recent: Recent } {
  return {
    async recent({ limit, cursor, prefix }) {
      await honest.recent({ limit, prefix, cursor: cursor === "made up" ? cursor : undefined });
      const memories = change((await honest.recent({ limit: ALL, prefix })).memories);
      const from = Number(cursor ?? 0);
      const to = from + limit;
      return { memories: memories.slice(from, to), cursor: to < memories.length ? String(to) : null };
    },
  };
}

function sorted(change: (memories: RecentMemory[]) => RecentMemory[]): Mutation {
  return (honest) => pages(honest, change);
}

/** Changes a page. The change gets the options of the call, and the last memory of the page before. */
function paged(
  change: (page: RecentPage, options: RecentOptions, last: RecentMemory | undefined) => Partial<RecentPage>,
): Mutation {
  return (honest) => {
    let last: RecentMemory | undefined;
    return {
      async recent(options) {
        const page = await honest.recent(options);
        const changed = { ...page, ...change(page, options, last) };
        last = page.memories.at(-1);
        return changed;
      },
    };
  };
}

function returning(change: (memory: RecentMemory) => RecentMemory): Mutation {
  return (honest) => ({
    async recent(options) {
      const { memories, cursor } = await honest.recent(options);
      return { memories: memories.map(change), cursor };
    },
  });
}
