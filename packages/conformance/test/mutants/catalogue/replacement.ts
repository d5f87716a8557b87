import { setImmediate as tick } from "node:timers/promises";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant } from "../mutant.ts";

export const replacement: Mutant[] = breaking("save replaces the whole log atomically", {
  "adds to the old log": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, [...((await honest.load(id)) ?? []), ...records], options);
    },
  }),
  "leaves the end of a longer old log": (honest) => ({
    async save(id, records, options) {
      const old = (await honest.load(id)) ?? [];
      await honest.save(id, [...records, ...old.slice(records.length)], options);
    },
  }),
  "keeps the old log if the new one is shorter": (honest) => ({
    async save(id, records, options) {
      const old = (await honest.load(id)) ?? [];
      if (records.length >= old.length) await honest.save(id, records, options);
    },
  }),
  "keeps appended records": (honest) => {
    const appended: KitRecord[] = [];
    return {
      async append(id, records, options) {
        appended.push(...records);
        return honest.append(id, records, options);
      },
      save: (id, records, options) => honest.save(id, [...records, ...appended], options),
    };
  },
  "deletes the old log, then writes the new one": (honest) => ({
    async save(id, records, options) {
      await honest.delete(id);
      await tick();
      await honest.save(id, records, options);
    },
  }),
  "empties the old log, then writes the new one": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, []);
      await tick();
      await honest.save(id, records, options);
    },
  }),
  "writes a log in two halves": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records.slice(0, records.length / 2));
      await tick();
      await honest.save(id, records, options);
    },
  }),
  "writes each record into a row of its own": (honest) => {
    const rows: KitRecord[] = [];
    let saves = 0;
    return {
      async save(id, records, options) {
        const own = [...records.entries()];
        rows.length = records.length;
        // Every second save begins at the end: two at the same time leave a mixture.
        for (const [index, record] of saves++ % 2 === 0 ? own : own.reverse()) {
          rows[index] = record;
          await tick();
        }
        await honest.save(id, rows, options);
      },
    };
  },

  "keeps the end of a log that had more than 256 records": (honest) => ({
    async save(id, records, options) {
      const old = (await honest.load(id)) ?? [];
      await honest.save(id, old.length > 256 ? [...records, ...old.slice(-1)] : records, options);
    },
  }),
  "does not replace a log by an empty one that is empty already": (honest) => {
    let empties = 0;
    return {
      async save(id, records, options) {
        empties = records.length === 0 ? empties + 1 : empties;
        if (empties < 3 || records.length > 0) await honest.save(id, records, options);
      },
    };
  },
  "replaces all memories whose ids begin with the id": (honest) => ({
    async save(id, records, options) {
      await honest.save(id, records, options);
      if (records.length > 1) for (const other of await honest.list({ prefix: id })) await honest.save(other, records);
    },
  }),
  "has four methods, and adds to an old log of one record": onFourMethods((honest) => ({
    async save(id, records, options) {
      const old = (await honest.load(id)) ?? [];
      await honest.save(id, old.length === 1 ? [...old, ...records] : records, options);
    },
  })),
});
