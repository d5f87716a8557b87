import type { MemoryInfo } from "@deep-agent/core";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { positionOf } from "../revisions.ts";

export const info: Mutant[] = breaking("info returns the facts about a memory", {
  "counts entries, not records": (honest) => ({
    async info(id, options) {
      const facts = await honest.info(id, options);
      const snapshot = await honest.read(id, { last: 1 });
      return facts && snapshot && { ...facts, records: positionOf(snapshot.revision) };
    },
  }),
  "counts all records that were ever written": (honest) => {
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
  "counts the records of all ids that begin with the id": (honest) => ({
    async info(id, options) {
      const all = await Promise.all((await honest.list({ prefix: id })).map((other) => honest.info(other, options)));
      const records = all.reduce((sum, facts) => sum + (facts?.records ?? 0), 0);
      const facts = await honest.info(id, options);
      return facts && { ...facts, records };
    },
  }),
  "returns 0 bytes": returning(() => ({ bytes: 0 })),
  "returns the number of records as bytes": returning(({ records }) => ({ bytes: records })),
  "returns times in seconds": returning(({ createdAt, updatedAt }) => ({
    createdAt: Math.floor(createdAt / 1_000),
    updatedAt: Math.floor(updatedAt / 1_000),
  })),
  "returns fractions of milliseconds": returning(({ updatedAt }) => ({ updatedAt: updatedAt + 0.25 })),
  "returns times as strings": returning(({ createdAt }) => ({
    createdAt: new Date(createdAt).toISOString() as unknown as number,
  })),
  "returns the last write as the creation": returning(({ updatedAt }) => ({ createdAt: updatedAt })),
  "returns the creation as the last write": returning(({ createdAt }) => ({ updatedAt: createdAt })),
  "returns the time of the call as the last write": returning(() => ({ updatedAt: Date.now() })),
  "counts a read as a write": (honest) => {
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
  "returns 0 for never": returning(() => ({ expiresAt: 0 })),
  "does not return the time of expiry": returning(() => ({ expiresAt: undefined as unknown as null })),
  "keeps the facts about a deleted memory": (honest) => {
    let last: MemoryInfo | null = null;
    return {
      async info(id, options) {
        last = (await honest.info(id, options)) ?? last;
        return last;
      },
    };
  },
});

function returning(change: (facts: MemoryInfo) => Partial<MemoryInfo>): Mutation {
  return (honest) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, ...change(facts) };
    },
  });
}
