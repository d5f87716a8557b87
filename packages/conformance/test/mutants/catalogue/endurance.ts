import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

/** Each of these shows only after many calls, or beside many others. */
export const endurance: Mutant[] = breaking("every call is like the first one, however many came before", {
  "loses the hundredth save": losingSave(100),
  "has four methods, and loses the hundredth save": onFourMethods(losingSave(100)),
  "loads an older state after sixty-four saves": (honest) => {
    const states: KitRecord[][] = [];
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        states.push(structuredClone([...records]));
      },
      async load(id, options) {
        const records = await honest.load(id, options);
        return records !== null && states.length === 65 ? (states[63] ?? null) : records;
      },
    };
  },
  "returns null for a memory that was loaded two hundred times": (honest) => {
    const loads = new Map<string, number>();
    return {
      async load(id, options) {
        loads.set(id, (loads.get(id) ?? 0) + 1);
        return (loads.get(id) ?? 0) > 200 ? null : honest.load(id, options);
      },
    };
  },
  "drops the oldest entry of a log of 256": (honest) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      return records !== null && records.length >= 256 ? records.slice(1) : records;
    },
  }),
  "drops an append to a log of 128 entries": (honest) => {
    const appends = new Map<string, number>();
    return {
      async append(id, records, options) {
        appends.set(id, (appends.get(id) ?? 0) + 1);
        const { revision } = (await honest.read(id, { last: 1 })) ?? {};
        return appends.get(id) === 129 && revision !== undefined ? revision : honest.append(id, records, options);
      },
    };
  },
  "says reset after a hundred reads": (honest) => {
    let reads = 0;
    return {
      async read(id, options) {
        reads += 1;
        const snapshot = await honest.read(id, options);
        return snapshot && reads === 100 ? { ...snapshot, reset: true } : snapshot;
      },
    };
  },
  "has windows of at most 128 records": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      return snapshot && options?.last !== undefined
        ? { ...snapshot, records: snapshot.records.slice(-128) }
        : snapshot;
    },
  }),
  "has a revision again after fifty replacements": (honest) => {
    let saves = 0;
    const named = (revision: Revision): Revision => `${saves % 50}.${revision.split(".")[1]}`;
    return {
      async save(id, records, options) {
        saves += 1;
        await honest.save(id, records, { ...options, expectedRevision: undefined });
      },
      append: async (id, records, options) =>
        named(await honest.append(id, records, { ...options, expectedRevision: undefined })),
      async read(id, options) {
        const snapshot = await honest.read(id, { ...options, since: undefined });
        return snapshot && { ...snapshot, revision: named(snapshot.revision) };
      },
    };
  },
  "does not delete a memory after twenty deletes": (honest) => {
    let deletes = 0;
    return {
      async delete(id, options) {
        deletes += 1;
        if (deletes !== 21) await honest.delete(id, options);
      },
    };
  },
  "returns the records of a save from the twentieth on": (honest) => {
    let saves = 0;
    return {
      async save(id, records, options) {
        saves += 1;
        await honest.save(id, records, options);
        return (saves < 20 ? undefined : records) as undefined;
      },
    };
  },
  "rejects the hundred and first call at the same time": (honest) => {
    let running = 0;
    return {
      async load(id, options) {
        if (running >= 100) throw new MemoryError("CAPACITY", "There are too many calls.", { retryable: true });
        running += 1;
        await tick();
        running -= 1;
        return honest.load(id, options);
      },
    };
  },
  "mixes up the loads of several memories at the same time": mixing("load"),
  "mixes up the facts about several memories at the same time": mixing("info"),
  "mixes up the reads of several memories at the same time": mixing("read"),
  "drops a save if there are many at the same time": (honest) => {
    let running = 0;
    return {
      async save(id, records, options) {
        const own = structuredClone(records);
        running += 1;
        await tick();
        const isDropped = running > 128;
        running -= 1;
        if (!isDropped) await honest.save(id, own, options);
      },
    };
  },
});

/** Acknowledges one save without making it. */
function losingSave(which: number): Mutation {
  return (honest) => {
    let saves = 0;
    return {
      async save(id, records, options) {
        saves += 1;
        if (saves !== which) await honest.save(id, records, options);
      },
    };
  };
}

/** Has one place for the id of all running calls of the method, as if a connection were shared without care. */
function mixing(method: "load" | "info" | "read"): Mutation {
  return (honest) => {
    let wanted = "";
    return {
      [method]: async (id: string, options: never): Promise<unknown> => {
        wanted = id;
        await Promise.resolve();
        return Reflect.apply(honest[method], honest, [wanted, options]);
      },
    };
  };
}
