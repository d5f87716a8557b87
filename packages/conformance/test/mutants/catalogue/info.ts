import type { MemoryInfo } from "@deep-agent/core";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { positionOf } from "../revisions.ts";

export const info: Mutant[] = breaking("info tells the facts about a memory", {
  "counts entries, not records": (honest) => ({
    async info(id, options) {
      const facts = await honest.info(id, options);
      const snapshot = await honest.read(id, { last: 1 });
      return facts && snapshot && { ...facts, records: positionOf(snapshot.revision) };
    },
  }),
  "counts what was ever written": (honest) => {
    let written = 0;
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        written += records.length;
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, records: written };
      },
    };
  },
  "counts the records of all that begin with the id": (honest) => ({
    async info(id, options) {
      const all = await Promise.all((await honest.list({ prefix: id })).map((other) => honest.info(other, options)));
      const records = all.reduce((sum, facts) => sum + (facts?.records ?? 0), 0);
      const facts = await honest.info(id, options);
      return facts && { ...facts, records };
    },
  }),
  "does not know how many bytes": told(() => ({ bytes: 0 })),
  "tells how many records for how many bytes": told(({ records }) => ({ bytes: records })),
  "tells times in seconds": told(({ createdAt, updatedAt }) => ({
    createdAt: Math.floor(createdAt / 1_000),
    updatedAt: Math.floor(updatedAt / 1_000),
  })),
  "tells times in fractions": told(({ updatedAt }) => ({ updatedAt: updatedAt + 0.25 })),
  "tells times as texts": told(({ createdAt }) => ({
    createdAt: new Date(createdAt).toISOString() as unknown as number,
  })),
  "takes the last write for the first": told(({ updatedAt }) => ({ createdAt: updatedAt })),
  "takes the first write for the last": told(({ createdAt }) => ({ updatedAt: createdAt })),
  "takes the time of asking for that of the last write": told(() => ({ updatedAt: Date.now() })),
  "takes reading for writing": (honest) => {
    let readAt = 0;
    return {
      async load(...args) {
        readAt = Date.now();
        return honest.load(...args);
      },
      async info(...args) {
        const facts = await honest.info(...args);
        return facts && { ...facts, updatedAt: Math.max(facts.updatedAt, readAt) };
      },
    };
  },
  "tells 0 for never": told(() => ({ expiresAt: 0 })),
  "does not tell when it ends": told(() => ({ expiresAt: undefined as unknown as null })),
  "keeps the facts about what was deleted": (honest) => {
    let last: MemoryInfo | null = null;
    return {
      async info(id, options) {
        last = (await honest.info(id, options)) ?? last;
        return last;
      },
    };
  },
});

function told(change: (facts: MemoryInfo) => Partial<MemoryInfo>): Mutation {
  return (honest) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, ...change(facts) };
    },
  });
}
