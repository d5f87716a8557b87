import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import { KeyedQueue } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { instanceOn } from "../instance.ts";
import { breaking, type Mutant } from "../mutant.ts";
import { newStore } from "../store.ts";

export const twoInstances: Mutant[] = breaking(
  "two instances write the same memory, and each sees what the other wrote",
  {
    "loads from the cache of an instance": (honest) => {
      const cache = new Map<string, KitRecord[] | null>();
      const changed = (id: string): void => void cache.delete(id);
      return {
        async load(id, options) {
          const records = cache.get(id) ?? (await honest.load(id, options));
          cache.set(id, records);
          return structuredClone(records);
        },
        async save(id, ...rest) {
          await honest.save(id, ...rest);
          changed(id);
        },
        async append(id, ...rest) {
          const revision = await honest.append(id, ...rest);
          changed(id);
          return revision;
        },
        async delete(id, options) {
          await honest.delete(id, options);
          changed(id);
        },
      };
    },
    "reads nothing new right after a read": (honest) => {
      let last: Awaited<ReturnType<typeof honest.read>> = null;
      return {
        async read(id, options) {
          if (options?.since !== undefined && options.since === last?.revision) return { ...last, records: [] };
          last = await honest.read(id, options);
          return last;
        },
      };
    },
    "has another store in each instance": () => instanceOn(newStore()),
    "checks conditions under a lock of the instance": (honest) => {
      const lock = new KeyedQueue();
      return {
        append: (id, records, { expectedRevision, ...options } = {}) =>
          lock.run(id, async () => {
            const { revision = null } = (await honest.read(id, { last: 1 })) ?? {};
            if (expectedRevision !== undefined && expectedRevision !== revision) {
              throw new MemoryError("CONFLICT", "The log is at another revision.");
            }
            await tick();
            return honest.append(id, records, options);
          }),
      };
    },
    "recognizes the operations of its own instance only": (honest, { instances }) => ({
      append: async (id, records, options) =>
        honest.append(id, records, {
          ...options,
          ...(options?.operationId && { operationId: `${options.operationId}-${instances}` }),
        }),
    }),
    "returns another revision for an operation of another instance": (honest, { instances }) => ({
      append: async (id, records, options) => {
        const revision = await honest.append(id, records, options);
        return options?.operationId === undefined ? revision : `${revision}${instances > 1 ? "0" : ""}`;
      },
    }),
    "compares with the revision that it has seen": (honest) => {
      const seen = new Map<string, Revision>();
      return {
        async read(id, options) {
          const snapshot = await honest.read(id, options);
          if (snapshot !== null) seen.set(id, snapshot.revision);
          return snapshot;
        },
        async append(id, records, options) {
          const { expectedRevision, ...others } = options ?? {};
          const isSeen = expectedRevision !== undefined && (seen.get(id) ?? expectedRevision) === expectedRevision;
          return honest.append(id, records, isSeen ? others : options);
        },
      };
    },
    "does not see the deletes of another instance": (honest) => {
      const known = new Map<string, KitRecord[]>();
      return {
        async load(id, options) {
          const records = (await honest.load(id, options)) ?? known.get(id) ?? null;
          if (records !== null) known.set(id, records);
          return records;
        },
      };
    },
    "lists the memories of its own instance only": (honest) => {
      const seen = new Set<string>();
      return {
        async append(id, ...rest) {
          seen.add(id);
          return honest.append(id, ...rest);
        },
        list: async () => [...seen],
      };
    },
    "brings its records back after another instance's delete": (honest) => {
      const before = new Map<string, KitRecord[]>();
      return {
        async append(id, records, options) {
          const old = before.get(id) ?? [];
          const isGone = (await honest.load(id)) === null;
          const revision = await honest.append(id, isGone ? [...old, ...records] : records, options);
          before.set(id, [...old, ...records]);
          return revision;
        },
      };
    },
  },
);
