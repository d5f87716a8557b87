import { MemoryError, type Revision } from "@deep-agent/core";
import type { ConformanceTarget } from "../../../src/index.ts";
import { type LosingBackend, losingBackend, losingTarget, type Standing } from "../losing-backend.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const loss: Mutant[] = breaking("a log that lost what it had acknowledged says so", {
  "never says regressed": changed((honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot && { ...snapshot, regressed: false };
    },
  })),
  "says regressed, and not reset": changed((honest) => ({
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
  "takes what others wrote for what was lost": judging((position, length) => (position <= length ? position : "lost")),
  "takes a log that is shorter for as long as it was": judging((position, length) => Math.min(position, length)),
  "takes a log that lost something for another": judging((position, length) =>
    position <= length ? position : "other",
  ),
  "appends since what was lost": changed((honest) => ({
    append: async (id, records, options) => honest.append(id, records, { ...options, since: undefined }),
  })),
  "does not look for an operation in what is left": changed((honest) => ({
    async append(id, records, options) {
      const known = await honest.read(id, { since: options?.since ?? undefined });
      if (known?.regressed) throw new MemoryError("CONFLICT", "The log lost something.");
      return honest.append(id, records, options);
    },
  })),
  "fails to read what lost something": changed((honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      if (snapshot?.regressed) throw new MemoryError("CORRUPT", "The log lost something.");
      return snapshot;
    },
  })),
});

function changed(changes: (honest: LosingBackend) => Partial<LosingBackend>): ConformanceTarget {
  return losingTarget("loses", () => {
    const honest = losingBackend();
    return { ...honest, ...changes(honest) };
  });
}

/** Judges a revision by the number of entries alone. */
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
