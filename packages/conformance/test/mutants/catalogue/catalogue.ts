import { MemoryError } from "@deep-agent/core";
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

  "ends if the last memory of a page was deleted": (honest) => {
    let last: string | undefined;
    return {
      async recent(options) {
        if (options.cursor !== undefined && last !== undefined && (await honest.load(last)) === null)
          return { memories: [], cursor: null };
        const page = await honest.recent(options);
        last = page.memories.at(-1)?.memoryId;
        return page;
      },
    };
  },
  "begins again if the last memory of a page was written": (honest) => {
    let last: RecentMemory | undefined;
    return {
      async recent(options) {
        const now = last && (await honest.info(last.memoryId))?.updatedAt;
        const isMoved = options.cursor !== undefined && now !== undefined && now !== last?.updatedAt;
        const page = await honest.recent(isMoved ? { ...options, cursor: undefined } : options);
        last = page.memories.at(-1);
        return page;
      },
    };
  },
  "accepts a cursor once": (honest) => {
    const used = new Set<string>();
    return {
      async recent(options) {
        if (options.cursor !== undefined && used.has(options.cursor))
          throw new MemoryError("INVALID_ARGUMENT", "This cursor was used.");
        const page = await honest.recent(options);
        if (options.cursor !== undefined) used.add(options.cursor);
        return page;
      },
    };
  },
  "knows the cursor of the newest walk only": (honest) => {
    let newest: string | null = null;
    return {
      async recent(options) {
        const { cursor } = options;
        const isOld = cursor !== undefined && cursor !== newest && cursor !== "made up" && cursor !== "";
        const page = await honest.recent(
          isOld && typeof cursor === "string" ? { ...options, cursor: undefined } : options,
        );
        newest = page.cursor;
        return page;
      },
    };
  },
  "has pages of the size of the first one": (honest) => {
    let size: number | undefined;
    return {
      async recent(options) {
        if (options.cursor === undefined) size = options.limit;
        return honest.recent(options.cursor === undefined ? options : { ...options, limit: size ?? options.limit });
      },
    };
  },
  "refuses a limit above a thousand": (honest) => ({
    async recent(options) {
      if (options.limit > 1_000) throw new MemoryError("INVALID_ARGUMENT", "The limit is too large.");
      return honest.recent(options);
    },
  }),
  "keeps its limit in 32 bits": (honest) => ({
    recent: async (options) =>
      honest.recent(options.limit > 2 ** 31 - 1 ? { ...options, limit: Math.max(1, options.limit | 0) } : options),
  }),
  "keeps the newest 256 memories": (honest) => pages(honest, (memories) => memories.slice(0, 256)),
  "moves a memory to the front when it is touched": fronted("touch"),
  "moves a memory to the front when its facts are read": fronted("info"),
  "moves a memory to the front when it is read": fronted("read"),
  "moves a memory to the front by a second attempt or a refused append": fronted("append"),
  "moves a memory to the front by a refused save": fronted("save"),
  "lists a memory twice that was made again": (honest) => {
    const deleted = new Set<string>();
    return {
      async delete(id, options) {
        if ((await honest.load(id)) !== null) deleted.add(id);
        await honest.delete(id, options);
      },
      ...pages(honest, (memories) => [...memories, ...memories.filter(({ memoryId }) => deleted.has(memoryId))]),
    };
  },
  "leaves out empty memories": (honest) => ({
    async recent(options) {
      const page = await honest.recent(options);
      const facts = await Promise.all(page.memories.map(({ memoryId }) => honest.info(memoryId)));
      return { ...page, memories: page.memories.filter((_memory, index) => facts[index]?.records !== 0) };
    },
  }),
  "returns the time of the creation": (honest) => ({
    async recent(options) {
      const { memories, cursor } = await honest.recent(options);
      const facts = await Promise.all(memories.map(({ memoryId }) => honest.info(memoryId)));
      return {
        memories: memories.map((memory, index) => ({ ...memory, updatedAt: facts[index]?.createdAt ?? 0 })),
        cursor,
      };
    },
  }),
  "begins again at an empty cursor": (honest) => ({
    recent: async (options) => honest.recent(options.cursor === "" ? { ...options, cursor: undefined } : options),
  }),
  "accepts a number as a cursor": (honest) => ({
    recent: async (options) =>
      honest.recent(typeof options.cursor === "number" ? { ...options, cursor: String(options.cursor) } : options),
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

/** Moves a memory to the front of the catalogue by each call of the method that writes nothing to it. */
function fronted(method: "touch" | "info" | "read" | "append" | "save"): Mutation {
  return (honest) => {
    const again = async (id: string): Promise<void> => {
      const records = await honest.load(id);
      if (records !== null) await honest.save(id, records);
    };
    const call = async (id: string, ...args: never[]): Promise<unknown> => {
      const before = (await honest.info(id))?.updatedAt;
      try {
        return await Reflect.apply(honest[method], honest, [id, ...args]);
      } finally {
        if ((await honest.info(id))?.updatedAt === before) await again(id);
      }
    };
    return { [method]: call };
  };
}
