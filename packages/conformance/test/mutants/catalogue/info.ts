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

  "returns the last save as the creation": (honest) => {
    const saved = new Map<string, number>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        saved.set(id, (await honest.info(id))?.updatedAt ?? 0);
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, createdAt: saved.get(id) ?? facts.createdAt };
      },
    };
  },
  "returns the first append after a save of no records as the creation": (honest) => {
    const made = new Map<string, number>();
    return {
      async append(id, records, options) {
        const isEmpty = (await honest.load(id))?.length === 0;
        const revision = await honest.append(id, records, options);
        if (isEmpty) made.set(id, (await honest.info(id))?.updatedAt ?? 0);
        return revision;
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, createdAt: made.get(id) ?? facts.createdAt };
      },
    };
  },
  "returns the creation of the deleted memory of that id": (honest) => {
    const made = new Map<string, number>();
    return {
      async info(id, options) {
        const facts = await honest.info(id, options);
        if (facts !== null && !made.has(id)) made.set(id, facts.createdAt);
        return facts && { ...facts, createdAt: made.get(id) ?? facts.createdAt };
      },
    };
  },
  ...Object.fromEntries(
    (["read", "list", "recent", "info", "ping"] as const).map((method) => [
      `counts a call of ${method} as a write`,
      countingCalls(method),
    ]),
  ),
  "counts a second attempt at an append as a write": (honest) => {
    let attemptedAt = 0;
    return {
      async append(...args) {
        attemptedAt = Date.now();
        return honest.append(...args);
      },
      async info(...args) {
        const facts = await honest.info(...args);
        return facts && { ...facts, updatedAt: Math.max(facts.updatedAt, attemptedAt) };
      },
    };
  },
  "counts the records of a second attempt, too": (honest) => {
    const counts = new Map<string, number>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        counts.set(id, records.length);
      },
      async append(id, records, options) {
        const revision = await honest.append(id, records, options);
        counts.set(id, (counts.get(id) ?? 0) + records.length);
        return revision;
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, records: counts.get(id) ?? facts.records };
      },
    };
  },
  "counts a write to any memory as a write": (honest) => {
    let wroteAt = 0;
    return {
      async save(...args) {
        await honest.save(...args);
        wroteAt = Date.now();
      },
      async info(...args) {
        const facts = await honest.info(...args);
        return facts && { ...facts, updatedAt: Math.max(facts.updatedAt, wroteAt) };
      },
    };
  },
  "returns the bytes of the newest entry": (honest) => ({
    async info(id, options) {
      const facts = await honest.info(id, options);
      const { records = [] } = (await honest.read(id, { last: 1 })) ?? {};
      return facts && { ...facts, bytes: records.length === 0 ? 0 : JSON.stringify(records).length };
    },
  }),
  "returns another time of the last write than its catalogue": returning(({ updatedAt }) => ({
    updatedAt: updatedAt + 3_600_000,
  })),
  "returns the newest record, too": (honest) => ({
    async info(id, options) {
      const facts = await honest.info(id, options);
      return facts && ({ ...facts, newest: (await honest.load(id))?.at(-1) } as MemoryInfo);
    },
  }),
});

function returning(change: (facts: MemoryInfo) => Partial<MemoryInfo>): Mutation {
  return (honest) => ({
    async info(...args) {
      const facts = await honest.info(...args);
      return facts && { ...facts, ...change(facts) };
    },
  });
}

/** Counts each call of a method as a write to all memories. */
function countingCalls(method: "read" | "list" | "recent" | "info" | "ping"): Mutation {
  return (honest) => {
    let calledAt = 0;
    const counted = async (...args: never[]): Promise<unknown> => {
      const facts: unknown = await Reflect.apply(honest[method], honest, args);
      if (method === "info" && calledAt > 0) return { ...(facts as MemoryInfo), updatedAt: calledAt };
      calledAt = Date.now() + 1;
      return facts;
    };
    const info: typeof honest.info = async (...args) => {
      const facts = await honest.info(...args);
      return facts && { ...facts, updatedAt: Math.max(facts.updatedAt, calledAt) };
    };
    return { info, [method]: counted };
  };
}
