import { setImmediate as tick } from "node:timers/promises";
import type { Revision, Snapshot } from "@deep-agent/core";
import { KeyedQueue } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant } from "../mutant.ts";
import { moved } from "../revisions.ts";

export const append: Mutant[] = breaking("an append adds one whole entry after all others", {
  "replaces instead": (honest) => ({
    async append(id, records, options) {
      await honest.save(id, records, options);
      return (await honest.read(id))?.revision ?? "";
    },
  }),
  "adds in front": (honest) => ({
    async append(id, records, options) {
      const before = (await honest.load(id)) ?? [];
      await honest.delete(id);
      const revision = await honest.append(id, records, options);
      return before.length === 0 ? revision : honest.append(id, before);
    },
  }),
  "makes an entry of each record": (honest) => ({
    async append(id, records, options) {
      if (records.length === 0) return honest.append(id, records, options);
      let revision: Revision = "";
      for (const record of records) revision = await honest.append(id, [record]);
      return revision;
    },
  }),
  "appends the records before an invalid one": (honest) => ({
    async append(id, records, options) {
      const unfit = records.findIndex(({ n }) => typeof n === "bigint");
      if (unfit > 0) await honest.append(id, records.slice(0, unfit));
      return honest.append(id, records, options);
    },
  }),
  "drops all records of an entry after the first thousand": (honest) => ({
    append: async (id, records, options) => honest.append(id, records.slice(0, 1_000), options),
  }),
  "accepts an entry without records": (honest) => ({
    append: async (id, records, options) => (records.length === 0 ? "nothing" : honest.append(id, records, options)),
  }),
  "creates a memory for an entry without records": (honest) => ({
    async append(id, records, options) {
      if (records.length === 0) await honest.save(id, []);
      return honest.append(id, records, options);
    },
  }),

  // LangGraph's kit does not catch it.
  "appends to memories that it does not list": (honest) => {
    const saved = new Set<string>();
    return {
      async save(id, records, options) {
        saved.add(id);
        await honest.save(id, records, options);
      },
      list: async (options) => (await honest.list(options)).filter((id) => saved.has(id)),
    };
  },
  "does not append to an emptied memory": (honest) => ({
    async append(id, records, options) {
      if ((await honest.load(id))?.length === 0) return (await honest.read(id))?.revision ?? "";
      return honest.append(id, records, options);
    },
  }),
  "appends to a memory whose id has the same beginning": (honest) => ({
    async append(id, records, options) {
      const [other] = await honest.list({ prefix: id.slice(0, 1) });
      return honest.append(other ?? id, records, options);
    },
  }),

  "returns no revision": (honest) => ({
    async append(...args) {
      await honest.append(...args);
      return undefined as unknown as Revision;
    },
  }),
  "returns the revision before the append": (honest) => ({
    append: async (...args) => moved(await honest.append(...args), -1),
  }),
  "returns a later revision than that of the append": (honest) => ({
    append: async (...args) => moved(await honest.append(...args), 1),
  }),
  "never changes its revision": (honest) => ({
    async append(...args) {
      await honest.append(...args);
      return "1";
    },
    async read(...args) {
      const snapshot = await honest.read(...args);
      return snapshot && { ...snapshot, revision: "1" };
    },
  }),
  "restarts its revisions after a delete": (honest) => {
    const writes = new Map<string, number>();
    const wrote = (id: string): Revision => {
      writes.set(id, (writes.get(id) ?? 0) + 1);
      return `r${writes.get(id)}`;
    };
    return {
      async append(...args) {
        await honest.append(...args);
        return wrote(args[0]);
      },
      async save(...args) {
        await honest.save(...args);
        wrote(args[0]);
      },
      async delete(...args) {
        await honest.delete(...args);
        writes.delete(args[0]);
      },
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        return snapshot && { ...snapshot, revision: `r${writes.get(id)}` };
      },
    };
  },
  "keeps its revision if the same records are saved": (honest) => ({
    async save(id, records, options) {
      const isSame = JSON.stringify(await honest.load(id)) === JSON.stringify(records);
      if (!isSame) await honest.save(id, records, options);
    },
  }),
  "has a new revision for each read": (honest) => {
    let reads = 0;
    return {
      async read(...args) {
        const snapshot = await honest.read(...args);
        return snapshot && { ...snapshot, revision: `${snapshot.revision}.${reads++}` };
      },
    };
  },

  "appends one record at a time, and lets nobody else in between": (honest) => {
    const queue = new KeyedQueue();
    return {
      append: (id, records, options) => {
        if (records.length < 2) return honest.append(id, records, options);
        const own = structuredClone(records);
        return queue.run(id, async () => {
          let revision: Revision = "";
          for (const record of own) {
            revision = await honest.append(id, [record]);
            await tick();
          }
          return revision;
        });
      },
    };
  },
  "returns another revision than a read at the same place": (honest) => {
    const own = (revision: Revision | null | undefined) => revision?.replace("!", "");
    return {
      append: async (id, records, { since, expectedRevision, ...options } = {}) =>
        `${await honest.append(id, records, {
          ...options,
          ...(since !== undefined && { since: own(since) ?? null }),
          ...(expectedRevision !== undefined && { expectedRevision: own(expectedRevision) ?? null }),
        })}!`,
      read: async (id, options = {}) =>
        honest.read(id, { ...options, ...(options.since !== undefined && { since: own(options.since) }) }),
    };
  },
  "knows the last place that was read, of whatever memory": (honest) => {
    let last: Snapshot<KitRecord> | null = null;
    return {
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        const before = last;
        last = snapshot;
        return snapshot?.reset === false && before !== null && options?.since !== undefined
          ? { ...snapshot, reset: options.since !== before.revision }
          : snapshot;
      },
    };
  },
  "loads another memory's records if several are loaded at the same time": (honest) => {
    let wanted = "";
    return {
      async load(id, options) {
        wanted = id;
        await tick();
        return honest.load(wanted, options);
      },
    };
  },
  "changes the revision when it refuses an append without records": (honest) => ({
    async append(id, records, options) {
      if (records.length === 0) await honest.save(id, (await honest.load(id)) ?? []);
      if (records.length === 0 && (await honest.load(id))?.length === 0) await honest.delete(id);
      return honest.append(id, records, options);
    },
  }),
  "drops what is longer than half a megabyte from an entry": (honest) => ({
    append: async (id, records, options) =>
      honest.append(
        id,
        records.map((record) => (String(record["text"] ?? "").length > 524_288 ? { text: "" } : record)),
        options,
      ),
  }),
});
