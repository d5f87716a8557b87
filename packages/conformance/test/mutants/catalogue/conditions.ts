import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import type { AppendOptions } from "@deep-agent/core/adapter";
import type { Full } from "../instance.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { at, positionOf } from "../revisions.ts";

export const conditions: Mutant[] = breaking("a conditional write is made only if its condition holds", {
  "appends, then says CONFLICT": (honest) => ({
    async append(id, records, options) {
      try {
        return await honest.append(id, records, options);
      } catch (error) {
        if (MemoryError.is(error, "CONFLICT")) await honest.append(id, records);
        throw error;
      }
    },
  }),
  "saves, then says CONFLICT": (honest) => ({
    async save(id, records, options) {
      try {
        await honest.save(id, records, options);
      } catch (error) {
        if (MemoryError.is(error, "CONFLICT")) await honest.save(id, records);
        throw error;
      }
    },
  }),
  "appends whatever is expected": appending(() => ({ expectedRevision: undefined })),
  "saves whatever is expected": (honest) => ({ save: async (id, records) => honest.save(id, records) }),
  "appends whatever `since` says": appending(() => ({ since: undefined })),
  "ignores an expected null when it saves": (honest) => ({
    save: async (id, records, options = {}) =>
      honest.save(id, records, { ...options, expectedRevision: options.expectedRevision ?? undefined }),
  }),
  "ignores an expected null when it appends": appending(({ expectedRevision }) => ({
    expectedRevision: expectedRevision ?? undefined,
  })),
  "ignores a `since` of null": appending(({ since }) => ({ since: since ?? undefined })),
  "treats an empty memory as absent": (honest) => ({
    async save(id, records, options = {}) {
      const isEmpty = (await honest.load(id))?.length === 0;
      await honest.save(id, records, isEmpty ? { ...options, expectedRevision: undefined } : options);
    },
  }),
  "treats a deleted memory as existing": (honest) => {
    const deleted = new Set<string>();
    return {
      async delete(id, options) {
        deleted.add(id);
        await honest.delete(id, options);
      },
      async save(id, records, options) {
        if (options?.expectedRevision === null && deleted.has(id)) throw new MemoryError("CONFLICT", "It exists.");
        await honest.save(id, records, options);
      },
    };
  },
  "treats `since` as the expected revision": appending(({ since }) => ({ expectedRevision: since })),
  "ignores a revision that it cannot read": appending(({ since, expectedRevision }) => ({
    since: isReadable(since) ? since : undefined,
    expectedRevision: isReadable(expectedRevision) ? expectedRevision : undefined,
  })),
  "fails at a revision that it cannot read": appending(({ since }) => {
    if (typeof since === "string" && since.length > 1_000) throw new TypeError("The revision is too long.");
    return {};
  }),

  "compares logs by the number of their entries": (honest) => ({
    async append(id, records, options = {}) {
      return honest.append(id, records, { ...options, ...(await byNumber(honest, id, options)) });
    },
    async save(id, records, options = {}) {
      await honest.save(id, records, { ...options, ...(await byNumber(honest, id, options)) });
    },
  }),
  "compares and appends in two steps": (honest) => ({
    async append(id, records, { expectedRevision, ...options } = {}) {
      await expectRevision(honest, id, expectedRevision);
      await tick();
      return honest.append(id, records, options);
    },
  }),
  "compares and saves in two steps": (honest) => ({
    async save(id, records, { expectedRevision, ...options } = {}) {
      await expectRevision(honest, id, expectedRevision);
      await tick();
      await honest.save(id, records, options);
    },
  }),
  "rejects all writers that expect the same revision": (honest) => {
    let running = 0;
    return {
      async append(id, records, options) {
        running += 1;
        await tick();
        const isAlone = running === 1 || options?.expectedRevision === undefined;
        await tick();
        running -= 1;
        if (!isAlone) throw new MemoryError("CONFLICT", "Somebody else writes, too.");
        return honest.append(id, records, options);
      },
    };
  },
  "reports an unknown outcome of a conflict": failing(
    ({ message, memoryId }) => new MemoryError("CONFLICT", message, { memoryId, outcome: "unknown" }),
  ),
  "does not name the memory of a conflict": failing(({ message }) => new MemoryError("CONFLICT", message)),
  "reports a conflict as UNAVAILABLE": failing(({ message }) => new MemoryError("UNAVAILABLE", message)),

  "checks that there is no memory and appends in two steps": (honest) => ({
    async append(id, records, { since, ...options } = {}) {
      if (since !== null) return honest.append(id, records, { ...options, since });
      if ((await honest.read(id)) !== null) throw new MemoryError("CONFLICT", "It exists.", { memoryId: id });
      await tick();
      return honest.append(id, records, options);
    },
  }),
  "ignores what an append expects beside `since`": appending(({ since, expectedRevision }) => ({
    expectedRevision: since === undefined ? expectedRevision : undefined,
  })),
  "ignores `since` beside what an append expects": appending(({ since, expectedRevision }) => ({
    since: expectedRevision === undefined ? since : undefined,
  })),
  "treats an empty expected revision as no revision": appending(({ expectedRevision }) => ({
    expectedRevision: expectedRevision === "" ? undefined : expectedRevision,
  })),
  "creates an absent memory when it refuses an append": (honest) => ({
    async append(id, records, options) {
      try {
        return await honest.append(id, records, options);
      } catch (error) {
        if (MemoryError.is(error, "CONFLICT") && (await honest.load(id)) === null) await honest.save(id, []);
        throw error;
      }
    },
  }),
  "creates an absent memory when it refuses a save": (honest) => ({
    async save(id, records, options) {
      try {
        await honest.save(id, records, options);
      } catch (error) {
        if (MemoryError.is(error, "CONFLICT") && (await honest.load(id)) === null) await honest.save(id, []);
        throw error;
      }
    },
  }),
  "saves without its condition at the second attempt": (honest) => {
    const refused = new Set<string>();
    return {
      async save(id, records, options) {
        const { expectedRevision, ...others } = options ?? {};
        const isSecond = refused.has(`${id} ${JSON.stringify(records)}`) && typeof expectedRevision === "string";
        try {
          await honest.save(id, records, isSecond ? others : options);
        } catch (error) {
          refused.add(`${id} ${JSON.stringify(records)}`);
          throw error;
        }
      },
    };
  },
  "reports an unknown outcome of an append's conflict": failingAppend(
    ({ message, memoryId }) => new MemoryError("CONFLICT", message, { memoryId, outcome: "unknown" }),
  ),
  "does not name the memory of an append's conflict": failingAppend(
    ({ message }) => new MemoryError("CONFLICT", message),
  ),
  "says that an append's conflict is retryable": failingAppend(
    ({ message, memoryId }) => new MemoryError("CONFLICT", message, { memoryId, retryable: true }),
  ),
  "says no more than CONFLICT": failingAppend(({ memoryId }) => new MemoryError("CONFLICT", "CONFLICT", { memoryId })),
  "has another name in its errors": (honest, store) => ({
    ...failingAppend(({ message, memoryId }) => new MemoryError("CONFLICT", message, { memoryId, backend: "another" }))(
      honest,
      store,
    ),
    name: "store",
  }),
});

/** Changes the options of an append. */
function appending(change: (options: AppendOptions) => AppendOptions): Mutation {
  return (honest) => ({
    append: async (id, records, options = {}) => honest.append(id, records, { ...options, ...change(options) }),
  });
}

/** Rejects a save with another error. */
function failing(change: (error: MemoryError) => MemoryError): Mutation {
  return (honest) => ({
    async save(...args) {
      try {
        await honest.save(...args);
      } catch (error) {
        throw MemoryError.is(error, "CONFLICT") ? change(error) : error;
      }
    },
  });
}

function isReadable(revision: Revision | null | undefined): boolean {
  return revision === null || revision === undefined || /\.\d+$/.test(revision);
}

async function expectRevision(honest: Full, id: string, expected: Revision | null | undefined): Promise<void> {
  const revision = (await honest.read(id, { last: 1 }))?.revision ?? null;
  if (expected !== undefined && expected !== revision)
    throw new MemoryError("CONFLICT", "It changed.", { memoryId: id });
}

/** A revision of another log, as if it were one of this log. */
async function byNumber(honest: Full, id: string, { since, expectedRevision }: AppendOptions): Promise<AppendOptions> {
  const revision = (await honest.read(id, { last: 1 }))?.revision;
  const ofThis = <R extends Revision | null | undefined>(known: R): R | Revision =>
    revision === undefined || !known || !isReadable(known) ? known : at(revision, positionOf(known));
  return { since: ofThis(since), expectedRevision: ofThis(expectedRevision) };
}

/** Rejects an append with another error. */
function failingAppend(change: (error: MemoryError) => MemoryError): Mutation {
  return (honest) => ({
    async append(...args) {
      try {
        return await honest.append(...args);
      } catch (error) {
        throw MemoryError.is(error, "CONFLICT") ? change(error) : error;
      }
    },
  });
}
