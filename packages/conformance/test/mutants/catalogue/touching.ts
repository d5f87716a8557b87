import { ending } from "../ending.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const touching: Mutant[] = breaking("touch renews a memory's time to live, and changes nothing else", {
  "does nothing": () => ({ touch: async () => undefined }),
  "lets what is touched live for ever": ending((by, fresh) => (by === "touch" ? Number.POSITIVE_INFINITY : fresh)),
  "renews by half where it touches": ending((by, fresh) => (by === "touch" ? fresh - 30_000 : fresh)),
  "renews once": ending((by, fresh, deadline) => (by === "touch" && deadline ? Math.min(fresh, deadline + 1) : fresh)),
  "touches by writing the same again": (honest) => ({
    async touch(id, options) {
      const records = await honest.load(id, options);
      if (records !== null) await honest.save(id, records);
    },
  }),
  "takes a touch for a write": (honest, { now }) => {
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
  "makes what it touches": (honest) => ({
    async touch(id, options) {
      if ((await honest.load(id)) === null) await honest.save(id, []);
      await honest.touch(id, options);
    },
  }),
  "touches all": (honest) => ({
    async touch(_id, options) {
      for (const id of await honest.list()) await honest.touch(id, options);
    },
  }),
  "answers whether there was something": (honest) => ({
    async touch(id, options) {
      await honest.touch(id, options);
      return true as unknown as undefined;
    },
  }),
  "does not tell that the end moved": (honest) => {
    let first: number | null = null;
    return {
      async info(id, options) {
        const facts = await honest.info(id, options);
        first ??= facts?.expiresAt ?? null;
        return facts && { ...facts, expiresAt: first };
      },
    };
  },
});
