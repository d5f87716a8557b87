import { createHash } from "node:crypto";
import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import type { AppendOptions } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

export const idempotency: Mutant[] = breaking(
  "the same operation takes effect once, and is answered as the first time",
  {
    // LangGraph's kit lets it pass.
    "appends once more": (honest) => ({
      append: async (id, records, options) => honest.append(id, records, unnamed(options)),
    }),
    "appends what comes later under another name": (honest) => ({
      append: async (id, records, options) =>
        honest.append(id, records, {
          ...options,
          ...(options?.operationId && { operationId: `${options.operationId.slice(0, 60)}-${records.length}` }),
        }),
    }),
    "knows an operation by its content": remembering((id, records) => `${id} ${JSON.stringify(records)}`),
    "knows an operation in whatever memory": remembering((_id, _records, operationId) => operationId),
    "knows an operation beyond the end of its log": remembering((id, _records, operationId) => `${id} ${operationId}`),
    "knows the last operation alone": (honest) => {
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
    "searches the newest 64, whatever `since` says": (honest) => ({
      append: async (id, records, options) => honest.append(id, records, { ...options, since: undefined }),
    }),
    "searches the newest 63": (honest) => ({
      async append(id, records, options) {
        const length = (await honest.load(id))?.length ?? 0;
        return honest.append(id, records, options?.since === undefined && length > 63 ? unnamed(options) : options);
      },
    }),
    "does not tell an operation's case": naming((operationId) => operationId.toLowerCase()),
    "cuts an operation's name": naming((operationId) => operationId.slice(0, 2)),
    "takes any text for an operation id": naming((text) => createHash("sha256").update(text).digest("base64url")),
    "finds an operation where a record quotes it": (honest) => ({
      async append(id, records, options) {
        const stored = JSON.stringify(await honest.load(id));
        const isFound = options?.operationId && stored.includes(`"${options.operationId}"`);
        return isFound ? ((await honest.read(id))?.revision ?? "") : honest.append(id, records, options);
      },
    }),

    "answers a second attempt with where the log is now": (honest) => ({
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
    "judges the condition before it looks for the operation": (honest) => ({
      async append(id, records, options) {
        const revision = (await honest.read(id, { last: 1 }))?.revision ?? null;
        const { expectedRevision = revision } = options ?? {};
        if (expectedRevision === revision) return honest.append(id, records, options);
        throw new MemoryError("CONFLICT", "The log is at another revision.");
      },
    }),
    "looks for the operation first, and appends then": (honest) => {
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
    "brings back what was deleted": (honest) => ({
      async append(id, records, options) {
        const isGone = (await honest.load(id)) === null;
        return honest.append(id, records, isGone ? { ...options, since: undefined } : options);
      },
    }),
    "brings back what was replaced": (honest) => ({
      async append(id, records, options) {
        try {
          return await honest.append(id, records, options);
        } catch (error) {
          if ((await honest.load(id)) === null || options?.operationId === undefined) throw error;
          return honest.append(id, records);
        }
      },
    }),

    "saves once more": (honest) => ({
      save: async (id, records, options) => honest.save(id, records, { ...options, operationId: undefined }),
    }),
    "knows the last save alone": (honest) => {
      let last: string | undefined;
      return {
        async save(id, records, options) {
          if (options?.operationId !== undefined && options.operationId === last) return;
          await honest.save(id, records, { ...options, operationId: undefined });
          last = options?.operationId;
        },
      };
    },
  },
);

/** The operation without its name. */
function unnamed(options: AppendOptions | undefined): AppendOptions {
  return { ...options, operationId: undefined };
}

/** Remembers what each operation was answered, by a key of its own, for ever. */
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

/** Has other names for operations. */
function naming(name: (operationId: string) => string): Mutation {
  return (honest) => ({
    append: async (id, records, { operationId, ...options } = {}) =>
      honest.append(id, records, { ...options, ...(operationId !== undefined && { operationId: name(operationId) }) }),
  });
}
