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
