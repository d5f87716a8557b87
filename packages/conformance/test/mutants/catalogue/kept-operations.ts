import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import { checkSave } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import type { Full } from "../instance.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import type { Store } from "../store.ts";

/** The options of a save that is to forget all appends. */
const forgetting = { keepOperations: undefined };

const ofOne = breaking("a save with `keepOperations` keeps the newest 64 appends known", {
  "forgets all appends": (honest) => ({
    save: async (id, records, options) => honest.save(id, records, { ...options, ...forgetting }),
  }),
  "never forgets appends": (honest) => ({
    save: async (id, records, options) => honest.save(id, records, { ...options, keepOperations: true }),
  }),
  "accepts any value for keepOperations": (honest) => ({
    save: async (id, records, options) =>
      honest.save(id, records, { ...options, keepOperations: Boolean(options?.keepOperations) }),
  }),
  "keeps 63 appends": knowing((ids) => ids.slice(-63)),
  "keeps the oldest 64 appends": knowing((ids) => ids.slice(0, 64)),
  "keeps only what was appended since the save before": knowing((ids, since) => ids.slice(since)),
  "keeps only what was kept by the first such save": knowing((ids, since) => (since === 0 ? ids : ids.slice(0, since))),
  "keeps appends for all memories": keeping((_id, operationId) => operationId),
  "keeps appends of a deleted memory": keeping((id, operationId) => `${id} ${operationId}`),
  "finds a kept append by a part of its id": matching((kept, id) => kept.some((one) => one.includes(id))),
  "finds a kept append whatever the case of its id": matching((kept, id) =>
    kept.some((one) => one.toLowerCase() === id.toLowerCase()),
  ),
  "takes a field of its own format for a kept append": matching(
    (kept, id) => kept.includes(id) || (kept.length > 0 && ["t", "at", "r", "save"].includes(id)),
  ),

  "finds a kept append without `since` only": (honest) => ({
    async append(id, records, options = {}) {
      const { since } = options;
      const isOther = typeof since === "string" && (await honest.read(id, { since, last: 1 }))?.reset === true;
      if (isOther) throw new MemoryError("CONFLICT", "This is another log.", { memoryId: id });
      return honest.append(id, records, options);
    },
  }),
  "does not find a kept append with `since: null`": (honest) => ({
    async append(id, records, options = {}) {
      if (options.since !== null || (await honest.load(id)) === null) return honest.append(id, records, options);
      throw new MemoryError("CONFLICT", "The memory exists.", { memoryId: id });
    },
  }),
  "answers a repeated append with the current revision": (honest) => ({
    async append(id, records, options) {
      const before = await honest.load(id);
      const revision = await honest.append(id, records, options);
      const isRepeated = before?.length === (await honest.load(id))?.length;
      return isRepeated ? ((await honest.read(id))?.revision ?? "") : revision;
    },
  }),
  "answers a repeated append with the first revision": (honest) => {
    const answers = new Map<string, Revision>();
    return {
      async append(id, records, options) {
        const revision = await honest.append(id, records, options);
        const operation = `${id} ${options?.operationId}`;
        answers.set(operation, answers.get(operation) ?? revision);
        return answers.get(operation) ?? revision;
      },
    };
  },
  "rejects a repeated append": (honest) => ({
    async append(id, records, options) {
      const before = await honest.load(id);
      const revision = await honest.append(id, records, options);
      if (before?.length !== (await honest.load(id))?.length) return revision;
      throw new MemoryError("CONFLICT", "This was appended before.", { memoryId: id });
    },
  }),
  "saves without its condition": (honest) => ({
    save: async (id, records, options) =>
      honest.save(id, records, options?.keepOperations ? { ...options, expectedRevision: undefined } : options),
  }),
  "forgets appends when its condition does not hold": (honest) => {
    const forgotten = new Set<string>();
    return {
      async save(id, records, options) {
        try {
          await honest.save(id, records, { ...options, ...(forgotten.has(id) && forgetting) });
        } catch (error) {
          forgotten.add(id);
          throw error;
        }
      },
    };
  },
  "creates the memory again": (honest) => ({
    async save(id, records, options) {
      if (!options?.keepOperations || (await honest.load(id)) === null) return honest.save(id, records, options);
      checkSave(id, records, options);
      await honest.delete(id);
      await honest.save(id, records);
    },
  }),
  "forgets saves with a name": (honest) => ({
    save: async (id, records, options) =>
      honest.save(id, records, options?.keepOperations ? options : { ...options, operationId: undefined }),
  }),
  "saves and keeps in two steps": (honest) => {
    const known = new Map<string, Set<string>>();
    const made = new Map<string, Set<string>>();
    return {
      async append(id, records, options = {}) {
        const { operationId = "" } = options;
        if (known.get(id)?.has(operationId)) return (await honest.read(id))?.revision ?? "";
        await tick();
        made.set(id, (made.get(id) ?? new Set()).add(operationId));
        return honest.append(id, records, options);
      },
      async save(id, records, options) {
        const texts = checkSave(id, records, options);
        const before = new Set(made.get(id));
        await tick();
        await tick();
        const copies = texts.map((text) => JSON.parse(text) as KitRecord);
        await honest.save(id, copies, { ...options, ...forgetting });
        known.set(id, options?.keepOperations ? before : new Set());
      },
    };
  },
});

const ofAnother = breaking("what a save keeps known is known to another instance on the store", {
  "keeps appends in the instance that saved": (honest) => {
    const known = new Set<string>();
    return {
      async append(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        if (known.has(operation)) return (await honest.read(id))?.revision ?? "";
        known.add(operation);
        return honest.append(id, records, options);
      },
      save: async (id, records, options) => honest.save(id, records, { ...options, ...forgetting }),
    };
  },
  "keeps only the appends of the instance that saves": (honest, store) => {
    const operations = operationsOf(store);
    const own = new Set<string>();
    return {
      async append(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        const isForgotten = operations.get(operation) === "forgotten";
        if (!operations.has(operation)) own.add(operation);
        if (!isForgotten) operations.set(operation, "known");
        return honest.append(id, records, isForgotten ? { ...options, operationId: undefined } : options);
      },
      async save(id, records, options) {
        await honest.save(id, records, options);
        for (const operation of operations.keys()) if (!own.has(operation)) operations.set(operation, "forgotten");
      },
    };
  },
});

export const keptOperations: Mutant[] = [...ofOne, ...ofAnother];

const operations = new WeakMap<Store, Map<string, "known" | "forgotten">>();

/** What all instances on a store know of the operations on it. */
function operationsOf(store: Store): Map<string, "known" | "forgotten"> {
  const found = operations.get(store) ?? new Map<string, "known" | "forgotten">();
  operations.set(store, found);
  return found;
}

/** An instance that knows those ids that `choose` returns. `since`: how many ids the save before knew. */
function knowing(choose: (ids: readonly string[], since: number) => readonly string[]): Mutation {
  return (honest) => {
    const ids = new Map<string, string[]>();
    const known = new Map<string, readonly string[]>();
    return {
      async append(id, records, options) {
        const { operationId } = options ?? {};
        if (operationId === undefined) return honest.append(id, records, options);
        const before = ids.get(id) ?? [];
        const isForgotten = before.includes(operationId) && known.get(id)?.includes(operationId) === false;
        ids.set(id, [...before, operationId]);
        return honest.append(id, records, isForgotten ? { ...options, operationId: undefined } : options);
      },
      async save(id, records, options) {
        await honest.save(id, records, options);
        const all = ids.get(id) ?? [];
        known.set(id, choose(all, known.get(id)?.length ?? 0));
      },
    };
  };
}

/** Remembers kept appends by a key of its own, and for ever. */
function keeping(key: (id: string, operationId: string | undefined) => string | undefined): Mutation {
  return (honest) => {
    const made = new Set<string | undefined>();
    const kept = new Set<string | undefined>();
    return {
      async append(id, records, options) {
        const operation = key(id, options?.operationId);
        if (options?.operationId !== undefined && kept.has(operation)) return (await honest.read(id))?.revision ?? "0";
        made.add(operation);
        return honest.append(id, records, options);
      },
      async save(id, records, options) {
        await honest.save(id, records, options);
        if (options?.keepOperations) for (const operation of made) kept.add(operation);
      },
    };
  };
}

/** Looks for a kept append in its own way. */
function matching(isKept: (kept: readonly string[], operationId: string) => boolean): Mutation {
  return (honest: Full) => {
    const made: string[] = [];
    let kept: string[] = [];
    return {
      async append(id, records, options) {
        const { operationId } = options ?? {};
        if (operationId !== undefined && isKept(kept, operationId)) return (await honest.read(id))?.revision ?? "";
        if (operationId !== undefined) made.push(operationId);
        return honest.append(id, records, options);
      },
      async save(id, records, options) {
        await honest.save(id, records, options);
        kept = options?.keepOperations ? [...made] : [];
      },
    };
  };
}
