import { MemoryError } from "@deep-agent/core";
import { ending } from "../ending.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const touching: Mutant[] = breaking("touch renews a memory's time to live, and changes nothing else", {
  "does nothing": () => ({ touch: async () => undefined }),
  "never expires a touched memory": ending((by, fresh) => (by === "touch" ? Number.POSITIVE_INFINITY : fresh)),
  "renews by half of the time": ending((by, fresh) => (by === "touch" ? fresh - 30_000 : fresh)),
  "renews only once": ending((by, fresh, deadline) =>
    by === "touch" && deadline ? Math.min(fresh, deadline + 1) : fresh,
  ),
  "touches by saving the same records again": (honest) => ({
    async touch(id, options) {
      const records = await honest.load(id, options);
      if (records !== null) await honest.save(id, records);
    },
  }),
  "counts a touch as a write": (honest, { now }) => {
    let touchedAt = 0;
    return {
      async touch(id, options) {
        touchedAt = now();
        await honest.touch(id, options);
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, updatedAt: Math.max(facts.updatedAt, touchedAt) };
      },
    };
  },
  "creates the memory that it touches": (honest) => ({
    async touch(id, options) {
      if ((await honest.load(id)) === null) await honest.save(id, []);
      await honest.touch(id, options);
    },
  }),
  "touches all memories": (honest) => ({
    async touch(_id, options) {
      for (const id of await honest.list()) await honest.touch(id, options);
    },
  }),
  "returns whether there was a memory": (honest) => ({
    async touch(id, options) {
      await honest.touch(id, options);
      return true as unknown as undefined;
    },
  }),
  "returns the old time of expiry": (honest) => {
    let first: number | null = null;
    return {
      async info(id, options) {
        const facts = await honest.info(id, options);
        first ??= facts?.expiresAt ?? null;
        return facts && { ...facts, expiresAt: first };
      },
    };
  },

  "moves a memory to the front of its catalogue": (honest) => {
    let touched: string | undefined;
    return {
      async touch(id, options) {
        touched = id;
        await honest.touch(id, options);
      },
      async recent(options) {
        const { memories, cursor } = await honest.recent(options);
        const isFirst = (one: { memoryId: string }): number => Number(one.memoryId === touched);
        return { memories: [...memories].sort((a, b) => isFirst(b) - isFirst(a)), cursor };
      },
    };
  },
  "does not touch empty memories": (honest) => ({
    async touch(id, options) {
      if ((await honest.load(id))?.length !== 0) await honest.touch(id, options);
    },
  }),
  "keeps saved records only": (honest) => {
    const appended = new Set<string>();
    return {
      async append(id, ...rest) {
        if ((await honest.load(id)) !== null) appended.add(id);
        return honest.append(id, ...rest);
      },
      async touch(id, options) {
        await honest.touch(id, options);
        if (appended.has(id)) await honest.save(id, ((await honest.load(id)) ?? []).slice(0, 1));
      },
    };
  },
  "says when a memory expires that never expires": (honest) => {
    let isTouched = false;
    return {
      async touch(id, options) {
        isTouched = true;
        await honest.touch(id, options);
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && isTouched && facts.expiresAt === null
          ? { ...facts, expiresAt: facts.updatedAt + 60_000 }
          : facts;
      },
    };
  },
  "fails if memories do not expire": (honest, { ttl }) => ({
    async touch(id, options) {
      if (ttl === null) throw new MemoryError("INVALID_ARGUMENT", "There is no time to live.");
      await honest.touch(id, options);
    },
  }),
});
