import { MemoryError, type Revision } from "@deep-agent/core";
import type { ConformanceTarget } from "../../../src/index.ts";
import { type LosingBackend, losingBackend, losingTarget, type Standing } from "../losing-backend.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const loss: Mutant[] = breaking("a log reports the loss of acknowledged entries", {
  "never says regressed": changed((honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot && { ...snapshot, regressed: false };
    },
  })),
  "says regressed, but not reset": changed((honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot && { ...snapshot, reset: snapshot.reset && !snapshot.regressed };
    },
  })),
  "says regressed to everyone after a loss": changed((honest) => {
    let hasLost = false;
    return {
      lose(id) {
        hasLost = true;
        honest.lose(id);
      },
      async read(...args) {
        const snapshot = await honest.read(...args);
        return snapshot && { ...snapshot, reset: hasLost || snapshot.reset, regressed: hasLost };
      },
    };
  }),
  "treats newer entries as the lost ones": judging((position, length) => (position <= length ? position : "lost")),
  "treats a shorter log as complete": judging((position, length) => Math.min(position, length)),
  "treats a log that lost entries as another log": judging((position, length) =>
    position <= length ? position : "other",
  ),
  "appends since a lost entry": changed((honest) => ({
    append: async (id, records, options) => honest.append(id, records, { ...options, since: undefined }),
  })),
  "does not look for an operation in the remaining entries": changed((honest) => ({
    async append(id, records, options) {
      const known = await honest.read(id, { since: options?.since ?? undefined });
      if (known?.regressed) throw new MemoryError("CONFLICT", "The log lost something.");
      return honest.append(id, records, options);
    },
  })),
  "fails to read a log that lost entries": changed((honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      if (snapshot?.regressed) throw new MemoryError("CORRUPT", "The log lost something.");
      return snapshot;
    },
  })),

  "says regressed only once": changed((honest) => {
    const told = new Set<string>();
    return {
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        if (!snapshot?.regressed) return snapshot;
        const isTold = told.has(`${id} ${options?.since}`);
        told.add(`${id} ${options?.since}`);
        return isTold ? { ...snapshot, regressed: false } : snapshot;
      },
    };
  }),
  "does not say regressed beside `last`": changed((honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      return snapshot && { ...snapshot, regressed: snapshot.regressed && options?.last === undefined };
    },
  })),
  "says regressed without `since`": changed((honest) => {
    let hasLost = false;
    return {
      lose(id) {
        hasLost = true;
        honest.lose(id);
      },
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        return snapshot && options?.since === undefined && hasLost
          ? { ...snapshot, reset: true, regressed: true }
          : snapshot;
      },
    };
  }),
  "forgets a loss at the next append": changed((honest) => {
    let appends = 0;
    let lostAt = Number.NaN;
    return {
      lose(id) {
        lostAt = appends;
        honest.lose(id);
      },
      async append(id, records, options) {
        appends += 1;
        return honest.append(id, records, options);
      },
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        return snapshot && { ...snapshot, regressed: snapshot.regressed && appends === lostAt };
      },
    };
  }),
  "expects a number of entries": changed((honest) => ({
    async append(id, records, { expectedRevision, ...options } = {}) {
      await expectLength(honest, id, expectedRevision);
      return honest.append(id, records, options);
    },
  })),
  "expects a number of entries when it saves": changed((honest) => ({
    async save(id, records, { expectedRevision, ...options } = {}) {
      await expectLength(honest, id, expectedRevision);
      await honest.save(id, records, options);
    },
  })),
});

function changed(changes: (honest: LosingBackend) => Partial<LosingBackend>): ConformanceTarget {
  return losingTarget("loses", () => {
    const honest = losingBackend();
    return { ...honest, ...changes(honest) };
  });
}

/** Judges a revision only by its number of entries. */
function judging(judge: (position: number, length: number) => Standing): ConformanceTarget {
  const standing = (
    { epoch, entries }: { epoch: string; entries: readonly unknown[] },
    revision: Revision,
  ): Standing => {
    const [name, position] = revision.split(".");
    return name === epoch ? judge(Number(position), entries.length) : "other";
  };
  return losingTarget("loses", () => losingBackend(standing));
}

/** Compares a revision with the log by the number of entries only. */
async function expectLength(honest: LosingBackend, id: string, expected: Revision | null | undefined): Promise<void> {
  const { revision } = (await honest.read(id, { last: 1 })) ?? {};
  if (typeof expected !== "string" || expected.split(".")[1] === revision?.split(".")[1]) return;
  throw new MemoryError("CONFLICT", "The log has another length.", { memoryId: id });
}
