import { setImmediate as tick } from "node:timers/promises";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { storingAll } from "../storing.ts";

export const order: Mutant[] = breaking("the order of writes and of records is kept", {
  "sorts records by createdAt": loading((records) =>
    records.sort((one, other) => Number(one["createdAt"]) - Number(other["createdAt"])),
  ),
  "sorts records by their JSON": loading((records) =>
    records.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
  ),
  "returns the newest records first": loading((records) => records.reverse()),
  "reverses the records of a call": storingAll((records) => [...records].reverse()),
  "reads the newest first": (honest) => ({
    async read(...args) {
      const snapshot = await honest.read(...args);
      snapshot?.records.reverse();
      return snapshot;
    },
  }),
  "orders appends by the second of their time": (honest) => {
    const appended: { second: number; record: KitRecord }[] = [];
    return {
      async append(id, records, options) {
        for (const record of records) appended.push({ second: Math.floor(Date.now() / 1_000), record });
        return honest.append(id, records, options);
      },
      async load(id, options) {
        const loaded = await honest.load(id, options);
        if (appended.length === 0) return loaded;
        const rank = ({ second, record }: (typeof appended)[number]): string => `${second} ${JSON.stringify(record)}`;
        return appended.sort((one, other) => (rank(one) < rank(other) ? -1 : 1)).map(({ record }) => record);
      },
    };
  },
  "acknowledges a save before it is made": (_honest, { memories }) => ({
    async save(...args) {
      setImmediate(() => memories.save(...args).catch(() => undefined));
    },
  }),
  "acknowledges a delete before it is made": (_honest, { memories }) => ({
    async delete(...args) {
      setImmediate(() => memories.delete(...args).catch(() => undefined));
    },
  }),
  "returns recently loaded records again": (honest) => {
    const loads = new Map<string, KitRecord[] | null>();
    return {
      async load(id, options) {
        const records = loads.get(id) ?? (await honest.load(id, options));
        loads.set(id, records);
        setImmediate(() => loads.delete(id));
        return structuredClone(records);
      },
    };
  },
  "mixes the records of batches": (honest) => ({
    async append(id, records, options) {
      const half = Math.ceil(records.length / 2);
      const revision = await honest.append(id, records.slice(0, half), options);
      if (half === records.length) return revision;
      await tick();
      return honest.append(id, records.slice(half));
    },
  }),
  "stores one batch twice, instead of another": (honest) => {
    let running: readonly KitRecord[] | undefined;
    return {
      async append(id, records, options) {
        running ??= records;
        const revision = await honest.append(id, running, options);
        await tick();
        running = undefined;
        return revision;
      },
    };
  },

  "returns older pages with the newest records first": (honest) => ({
    async read(id, options) {
      const page = await honest.read(id, options);
      if (options?.before !== undefined) page?.records.reverse();
      return page;
    },
  }),
  "returns what is new with the newest records first": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      if (options?.since !== undefined) snapshot?.records.reverse();
      return snapshot;
    },
  }),
  "loads a long log in the order of its JSON": loading((records) =>
    records.length < 60
      ? records
      : records.sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
  ),
  "has four methods, and acknowledges a save before it is made": onFourMethods((_honest, { memories }) => ({
    async save(...args) {
      setImmediate(() => memories.save(...args).catch(() => undefined));
    },
  })),
});

function loading(change: (records: KitRecord[]) => KitRecord[]): Mutation {
  return (honest) => ({
    async load(...args) {
      const records = await honest.load(...args);
      return records && change(records);
    },
  });
}
