import { createHash } from "node:crypto";
import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import type { AppendOptions } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

export const idempotency: Mutant[] = breaking("a repeated operation takes effect once, and gets the same answer", {
  // LangGraph's kit does not catch it.
  "appends a repeated operation again": (honest) => ({
    append: async (id, records, options) => honest.append(id, records, unnamed(options)),
  }),
  "stores an operation under a changed id": (honest) => ({
    append: async (id, records, options) =>
      honest.append(id, records, {
        ...options,
        ...(options?.operationId && { operationId: `${options.operationId.slice(0, 60)}-${records.length}` }),
      }),
  }),
  "identifies an operation by its records": remembering((id, records) => `${id} ${JSON.stringify(records)}`),
  "identifies an operation without its memory": remembering((_id, _records, operationId) => operationId),
  "recognizes an operation after its log was deleted": remembering(
    (id, _records, operationId) => `${id} ${operationId}`,
  ),
  "recognizes the last operation only": (honest) => {
    let last = "";
    return {
      async append(id, records, options) {
        const operation = `${id} ${options?.operationId ?? ""}`;
        const isSecond = operation === last;
        last = operation;
        return honest.append(id, records, isSecond ? options : unnamed(options));
      },
    };
  },
  "searches the newest 64 entries and ignores `since`": (honest) => ({
    append: async (id, records, options) => honest.append(id, records, { ...options, since: undefined }),
  }),
  "searches the newest 63 entries only": (honest) => ({
    async append(id, records, options) {
      const length = (await honest.load(id))?.length ?? 0;
      return honest.append(id, records, options?.since === undefined && length > 63 ? unnamed(options) : options);
    },
  }),
  "ignores the case of an operation id": naming((operationId) => operationId.toLowerCase()),
  "cuts an operation id": naming((operationId) => operationId.slice(0, 2)),
  "accepts any string as an operation id": naming((text) => createHash("sha256").update(text).digest("base64url")),
  "finds an operation id that a record quotes": (honest) => ({
    async append(id, records, options) {
      const stored = JSON.stringify(await honest.load(id));
      const isFound = options?.operationId && stored.includes(`"${options.operationId}"`);
      return isFound ? ((await honest.read(id))?.revision ?? "") : honest.append(id, records, options);
    },
  }),

  "returns the current revision to a second attempt": (honest) => ({
    async append(id, ...rest) {
      await honest.append(id, ...rest);
      return (await honest.read(id))?.revision ?? "";
    },
  }),
  "rejects a second attempt": (honest) => ({
    async append(id, records, options) {
      const before = (await honest.load(id))?.length;
      const revision = await honest.append(id, records, options);
      if ((await honest.load(id))?.length !== before) return revision;
      throw new MemoryError("CONFLICT", "This was appended before.");
    },
  }),
  "checks the condition before it looks for the operation": (honest) => ({
    async append(id, records, options) {
      const revision = (await honest.read(id, { last: 1 }))?.revision ?? null;
      const { expectedRevision = revision } = options ?? {};
      if (expectedRevision === revision) return honest.append(id, records, options);
      throw new MemoryError("CONFLICT", "The log is at another revision.");
    },
  }),
  "looks for the operation and appends in two steps": (honest) => {
    const answers = new Map<string, Revision>();
    return {
      async append(id, records, options) {
        const answer = answers.get(`${id} ${options?.operationId}`);
        if (answer !== undefined && options?.operationId !== undefined) return answer;
        await tick();
        const revision = await honest.append(id, records, unnamed(options));
        answers.set(`${id} ${options?.operationId}`, revision);
        return revision;
      },
    };
  },
  "brings deleted records back": (honest) => ({
    async append(id, records, options) {
      const isGone = (await honest.load(id)) === null;
      return honest.append(id, records, isGone ? { ...options, since: undefined } : options);
    },
  }),
  "brings replaced records back": (honest) => ({
    async append(id, records, options) {
      try {
        return await honest.append(id, records, options);
      } catch (error) {
        if ((await honest.load(id)) === null || options?.operationId === undefined) throw error;
        return honest.append(id, records);
      }
    },
  }),

  "makes a repeated save again": (honest) => ({
    save: async (id, records, options) => honest.save(id, records, { ...options, operationId: undefined }),
  }),
  "recognizes the last save only": (honest) => {
    let last: string | undefined;
    return {
      async save(id, records, options) {
        if (options?.operationId !== undefined && options.operationId === last) return;
        await honest.save(id, records, { ...options, operationId: undefined });
        last = options?.operationId;
      },
    };
  },

  ...Object.fromEntries(
    [1, 8, 32, 48].map((count) => [
      `searches the newest ${count === 1 ? "entry" : `${count} entries`} only`,
      searching((options) => options.since === undefined, count),
    ]),
  ),
  "searches two hundred entries after `since`": searching(() => true, 200),
  "recognizes an operation twice": (honest) => {
    const attempts = new Map<string, number>();
    return {
      async append(id, records, options) {
        const operation = options?.operationId;
        if (operation === undefined) return honest.append(id, records, options);
        const attempt = (attempts.get(`${id} ${operation}`) ?? 0) + 1;
        attempts.set(`${id} ${operation}`, attempt);
        return honest.append(
          id,
          records,
          attempt > 2 ? { ...options, operationId: undefined, since: undefined } : options,
        );
      },
    };
  },
  "changes the revision by a repeated save": (honest) => {
    const made = new Set<string>();
    return {
      async save(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        if (made.has(operation) && (await honest.load(id)) !== null)
          await honest.save(id, (await honest.load(id)) ?? []);
        if (options?.operationId !== undefined) made.add(operation);
        await honest.save(id, records, options);
      },
    };
  },
  "remembers operations that it refused": (honest) => {
    const refused = new Map<string, Revision>();
    return {
      async append(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        const answer = refused.get(operation);
        if (answer !== undefined) return answer;
        try {
          return await honest.append(id, records, options);
        } catch (error) {
          const revision = (await honest.read(id))?.revision;
          if (options?.operationId !== undefined && revision !== undefined) refused.set(operation, revision);
          throw error;
        }
      },
    };
  },
  ...Object.fromEntries([2, 8, 32, 63].map((count) => [`remembers ${count} saves`, rememberingSaves(count)])),
  "remembers saves after a delete": (honest) => {
    const made = new Set<string>();
    return {
      async save(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        if (made.has(operation)) return;
        await honest.save(id, records, options);
        if (options?.operationId !== undefined) made.add(operation);
      },
    };
  },
  "remembers appends after a delete": (honest) => {
    const made = new Map<string, Revision>();
    return {
      async append(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        const isNew = (await honest.load(id)) === null;
        const answer = isNew ? made.get(operation) : undefined;
        if (answer !== undefined && options?.since === null) return answer;
        const revision = await honest.append(id, records, options);
        if (options?.operationId !== undefined) made.set(operation, revision);
        return revision;
      },
    };
  },
  "checks the condition of a save before it looks for the operation": (honest) => ({
    async save(id, records, options) {
      const revision = (await honest.read(id, { last: 1 }))?.revision ?? null;
      const { expectedRevision = revision } = options ?? {};
      if (expectedRevision !== revision) throw new MemoryError("CONFLICT", "The log is at another revision.");
      await honest.save(id, records, options);
    },
  }),
  "rejects all but one of several attempts at a save at the same time": (honest) => {
    const running = new Set<string>();
    return {
      async save(id, records, options) {
        const operation = `${id} ${options?.operationId}`;
        if (options?.operationId === undefined) return honest.save(id, records, options);
        if (running.has(operation)) throw new MemoryError("CONFLICT", "This save is being made.");
        running.add(operation);
        await tick();
        try {
          await honest.save(id, records, options);
        } finally {
          running.delete(operation);
        }
      },
    };
  },
  "accepts null as an operation id": (honest) => ({
    append: async (id, records, options = {}) =>
      honest.append(id, records, { ...options, operationId: options.operationId ?? undefined }),
  }),
  "accepts a number as an operation id": naming((operationId) =>
    typeof operationId === "number" ? String(operationId) : operationId,
  ),
});

/** The options without the operation id. */
function unnamed(options: AppendOptions | undefined): AppendOptions {
  return { ...options, operationId: undefined };
}

/** Remembers the answer to each operation for ever, by a key of its own. */
function remembering(
  key: (id: string, records: readonly KitRecord[], operationId: string | undefined) => string | undefined,
): Mutation {
  return (honest) => {
    const answers = new Map<string, Revision>();
    return {
      async append(id, records, options) {
        const operation = key(id, records, options?.operationId);
        if (operation === undefined || operation.endsWith(" undefined")) return honest.append(id, records, options);
        const answer = answers.get(operation) ?? (await honest.append(id, records, options));
        answers.set(operation, answer);
        return answer;
      },
    };
  };
}

/** Changes the ids of operations. */
function naming(name: (operationId: string) => string): Mutation {
  return (honest) => ({
    append: async (id, records, { operationId, ...options } = {}) =>
      honest.append(id, records, { ...options, ...(operationId !== undefined && { operationId: name(operationId) }) }),
  });
}

/** Looks for an operation among the newest `count` entries only. */
function searching(isLimited: (options: AppendOptions) => boolean, count: number): Mutation {
  return (honest) => {
    const appended = new Map<string, (string | undefined)[]>();
    return {
      async append(id, records, options = {}) {
        const own = appended.get(id) ?? [];
        appended.set(id, own);
        const isKnown = own.slice(-count).includes(options.operationId);
        if (options.operationId === undefined || !isLimited(options) || isKnown || !own.includes(options.operationId)) {
          const before = (await honest.load(id))?.length ?? 0;
          const revision = await honest.append(id, records, options);
          if (((await honest.load(id))?.length ?? 0) > before) own.push(options.operationId);
          return revision;
        }
        return honest.append(id, records, unnamed(options));
      },
    };
  };
}

/** Recognizes the latest `count` saves of a memory. */
function rememberingSaves(count: number): Mutation {
  return (honest) => {
    const made = new Map<string, string[]>();
    return {
      async save(id, records, options) {
        const own = made.get(id) ?? [];
        const operation = options?.operationId;
        if (operation !== undefined && own.slice(-count).includes(operation)) return;
        await honest.save(id, records, { ...options, operationId: undefined });
        if (operation !== undefined) made.set(id, [...own, operation]);
      },
    };
  };
}
