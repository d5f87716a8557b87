import { breaking, type Mutant } from "../mutant.ts";
import { at, positionOf } from "../revisions.ts";

/** Each of these shows only in some sequences of calls. */
export const model: Mutant[] = breaking("the log behaves like a list of entries, whatever calls are made", {
  "loses the third of three appends to a log that was saved": (honest) => {
    const appends = new Map<string, number>();
    return {
      async save(id, records, options) {
        await honest.save(id, records, options);
        appends.set(id, 0);
      },
      async append(id, records, options) {
        const count = (appends.get(id) ?? Number.NaN) + 1;
        appends.set(id, count);
        const { revision } = (await honest.read(id, { last: 1 })) ?? {};
        return count === 3 && revision !== undefined ? revision : honest.append(id, records, options);
      },
    };
  },
  "reads one entry too many since the second": (honest) => ({
    read: async (id, options) => {
      const since = options?.since;
      return honest.read(id, { ...options, since: since && positionOf(since) === 2 ? at(since, 1) : since });
    },
  }),
  "splits four records into two entries": (honest) => ({
    async append(id, records, options) {
      if (records.length !== 4) return honest.append(id, records, options);
      await honest.append(id, records.slice(0, 2), options);
      return honest.append(id, records.slice(2));
    },
  }),
});
