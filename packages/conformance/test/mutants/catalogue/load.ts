import { setImmediate as tick } from "node:timers/promises";
import { type CallOptions, MemoryError, type Revision } from "@deep-agent/core";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const load: Mutant[] = breaking(
  "32 writers at the same time lose nothing, duplicate nothing and split nothing",
  {
    // LangGraph's kit does not catch it.
    "loses one of two appends at the same time": (honest) => ({
      async append(id, records) {
        const before = (await honest.load(id)) ?? [];
        await tick();
        await honest.save(id, [...before, ...records]);
        return (await honest.read(id))?.revision ?? "";
      },
    }),
    "appends again if the answer is slow": (honest) => {
      let running = 0;
      return {
        async append(id, records, options) {
          running += 1;
          const revision = await honest.append(id, records, options);
          await tick();
          if (running > 16) await honest.append(id, records);
          running -= 1;
          return revision;
        },
      };
    },
    "appends one record at a time": (honest) => ({
      async append(id, records) {
        let revision: Revision = "";
        for (const record of records) {
          revision = await honest.append(id, [record]);
          await tick();
        }
        return revision;
      },
    }),
    "acknowledges appends and makes them in reverse order": (honest) => {
      let waiting: (readonly KitRecord[])[] = [];
      const flush = async (id: string): Promise<void> => {
        const batch = waiting.reverse();
        waiting = [];
        for (const records of batch) await honest.append(id, records);
      };
      return {
        async append(id, records) {
          waiting.push(records);
          if (waiting.length >= 40) await flush(id);
          return (await honest.read(id))?.revision ?? "none yet";
        },
        async load(id, options) {
          await flush(id);
          return honest.load(id, options);
        },
      };
    },
    "rejects calls if there are many": (honest) => {
      let running = 0;
      const limited = async <R>(call: () => Promise<R>): Promise<R> => {
        if (running >= 16) throw new MemoryError("CAPACITY", "There are too many calls.", { retryable: true });
        running += 1;
        try {
          await tick();
          return await call();
        } finally {
          running -= 1;
        }
      };
      return {
        save: (...args) => limited(() => honest.save(...args)),
        append: (...args) => limited(() => honest.append(...args)),
      };
    },
    "drops an append if there are many": (honest) => {
      let running = 0;
      return {
        async append(id, records, options) {
          running += 1;
          await tick();
          const isDropped = running > 30 && records.length > 1;
          running -= 1;
          const { revision } = (await honest.read(id, { last: 1 })) ?? {};
          return isDropped && revision !== undefined ? revision : honest.append(id, records, options);
        },
      };
    },
    "keeps all memories in one value and rewrites it": () => {
      let value = new Map<string, KitRecord[]>();
      const changed = async (change: (all: Map<string, KitRecord[]>) => void): Promise<void> => {
        const all = new Map(value);
        await tick();
        change(all);
        value = all;
      };
      return {
        append: undefined,
        read: undefined,
        load: async (id) => structuredClone(value.get(id) ?? null),
        list: async () => [...value.keys()],
        delete: (id) => changed((all) => all.delete(id)),
        save: (id, records) => {
          const own = structuredClone([...records]);
          return changed((all) => all.set(id, own));
        },
      };
    },
    "has one buffer for all running writes": (honest) => {
      let place: Parameters<typeof honest.save> = ["", []];
      return {
        async save(...args) {
          place = args;
          await tick();
          await honest.save(...place);
        },
        async load(id: string, options?: CallOptions) {
          await tick();
          return honest.load(id, options);
        },
      };
    },
  },
);
