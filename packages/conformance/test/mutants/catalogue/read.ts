import { setImmediate as tick } from "node:timers/promises";
import { MemoryError, type Snapshot } from "@deep-agent/core";
import type { ReadOptions } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { at, moved, positionOf } from "../revisions.ts";

export const read: Mutant[] = breaking("read returns whole entries: the newest, the new ones, or the page before", {
  "reads one entry too many since a revision": asked(({ since }) => ({
    since: isPlace(since) ? moved(since, -1) : since,
  })),
  "reads one entry too few since a revision": answered((snapshot, { since }) =>
    isPlace(since) ? { records: snapshot.records.slice(1) } : {},
  ),
  "always says reset with `since`": answered((_snapshot, { since }) => (since === undefined ? {} : { reset: true })),
  "does not recognize the revision of an empty log": answered(({ reset }, { since }) => ({
    reset: reset || (isPlace(since) && positionOf(since) === 0),
  })),
  "ignores `since`": asked(() => ({ since: undefined })),
  "ignores `since` beside `last`": asked(({ since, last }) => ({
    since: last === undefined ? since : undefined,
  })),
  "ignores `last`": asked(() => ({ last: undefined })),
  "ignores `last` beside `since`": asked(({ since, last }) => ({ last: since === undefined ? last : undefined })),
  "ignores `last` beside `before`": asked(({ before, last }) => ({
    last: before === undefined ? last : undefined,
  })),
  "ignores `before`": asked(() => ({ before: undefined })),

  "cuts an entry": answered(({ records }, { last }) => (last === undefined ? {} : { records: records.slice(-last) })),
  "leaves out an entry that does not fit": answered(({ records, start }, { last }) =>
    last !== undefined && start !== null && records.length > last
      ? { records: records.slice(records.length - last + 1) }
      : {},
  ),
  "counts entries, not records": (honest) => ({
    async read(id, options) {
      const { last, since, before } = options ?? {};
      const revision = before ?? (await honest.read(id))?.revision;
      if (last === undefined || since !== undefined || revision === undefined || !isPlace(revision))
        return honest.read(id, options);
      const from = at(revision, positionOf(revision) - last);
      const snapshot = await honest.read(id, { since: from });
      return snapshot && { ...snapshot, start: positionOf(from) === 0 ? null : from, reset: false };
    },
  }),
  "reads one record too many": asked(({ last }) => ({
    last: Number.isSafeInteger(last) && Number(last) > 0 ? Number(last) + 1 : last,
  })),
  "makes one entry of a save": (honest) => ({
    async save(id, records, options) {
      if (records.length === 0) return honest.save(id, records, options);
      await honest.delete(id);
      await honest.append(id, records);
    },
  }),

  "has the same entry on two pages": asked(({ before }) => ({ before: isPlace(before) ? moved(before, 1) : before })),
  "leaves out an entry between two pages": asked(({ before }) => ({
    before: isPlace(before) ? moved(before, -1) : before,
  })),
  "counts pages from the end": (honest) => ({
    async read(id, options = {}) {
      const { revision = "" } = (await honest.read(id, { last: 1 })) ?? {};
      const distance = /^end-(\d+)$/.exec(options.before ?? "")?.[1];
      const before = distance === undefined ? options.before : moved(revision, -Number(distance));
      const snapshot = await honest.read(id, { ...options, before });
      if (!snapshot?.start) return snapshot;
      return { ...snapshot, start: `end-${positionOf(revision) - positionOf(snapshot.start)}` };
    },
  }),
  "says too early that a page begins the log": answered(({ start }) =>
    start !== null && positionOf(start) === 1 ? { start: null } : {},
  ),
  "never says that a page begins the log": answered(({ start, revision }) => ({ start: start ?? at(revision, 0) })),
  "does not say where a page begins": answered(() => ({ start: null })),
  "says reset for every page": answered(({ start }, { since }) =>
    since === undefined && start !== null ? { reset: true } : {},
  ),

  "never says reset": answered(() => ({ reset: false })),
  "does not say reset if `last` leaves entries out": answered(({ reset }, { since, last }) => ({
    reset: reset && (last === undefined || !isPlace(since)),
  })),
  "says reset if `last` leaves nothing out": answered(({ records }, { since, last }) =>
    since !== undefined && last === records.length ? { reset: true } : {},
  ),
  "reports another log as a loss": answered(({ reset }, { last }) => ({ regressed: reset && last === undefined })),
  "returns no records of another log": answered(({ records, reset }, { last }) =>
    reset && last === undefined ? { records: [] } : { records },
  ),
  "rejects a revision of another log": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      if (snapshot?.reset && options?.last === undefined) throw new MemoryError("CONFLICT", "The log is another one.");
      return snapshot;
    },
  }),
  "returns the revision of the call": answered(({ revision }, { since }) => ({
    revision: isPlace(since) ? since : revision,
  })),
  "ignores a `last` of zero": asked(({ last }) => (last === 0 ? { last: undefined } : {})),
  "rounds a `last` that is not an integer": asked(({ last }) => (last === 1.5 ? { last: 2 } : {})),
  "accepts `since` and `before` together": asked(({ since, before }) => (since && before ? { before: undefined } : {})),
  "ignores an empty `since`": asked(({ since }) => (since === "" ? { since: undefined } : {})),

  "returns the revision at the end of a page": answered(({ revision }, { before }) => ({
    revision: isPlace(before) ? before : revision,
  })),
  "does not say where the new entries begin": answered(({ start }, { since, last }) => ({
    start: since !== undefined && last === undefined ? null : start,
  })),
  "says that new entries begin at the end of the log": answered(({ start, revision }, { since, last }) => ({
    start: isPlace(since) && last === undefined ? revision : start,
  })),
  "refuses a `last` above a million": (honest) => ({
    async read(id, options) {
      if ((options?.last ?? 0) > 1_000_000) throw new MemoryError("INVALID_ARGUMENT", "`last` is too large.");
      return honest.read(id, options);
    },
  }),
  "keeps `last` in 32 bits": asked(({ last }) => ({
    last: typeof last === "number" && last > 2 ** 31 - 1 ? Math.max(1, last | 0) : last,
  })),
  "ends a window at a megabyte": answered(({ records, start, revision }, { last }) => {
    const size = (rest: readonly KitRecord[]): number => JSON.stringify(rest).length;
    let from = 0;
    if (last !== undefined) while (size(records.slice(from)) > 1_000_000 && from < records.length - 1) from += 1;
    return from === 0 ? {} : { records: records.slice(from), start: start ?? at(revision, 0) };
  }),
  "ends what is new at a megabyte": answered(({ records }, { since }) =>
    since !== undefined && JSON.stringify(records).length > 1_000_000 ? { records: records.slice(-2) } : {},
  ),
  "reads the revision a moment after the records": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      await tick();
      await tick();
      const later = await honest.read(id, { last: 1 });
      return snapshot && { ...snapshot, revision: later?.revision ?? snapshot.revision };
    },
  }),
  "reads the records a moment after the revision": (honest) => ({
    async read(id, options) {
      const before = await honest.read(id, options);
      await tick();
      await tick();
      const snapshot = await honest.read(id, options);
      return snapshot && { ...snapshot, revision: before?.revision ?? snapshot.revision };
    },
  }),
  "returns the number of its records, too": answered(({ records }) => ({ count: records.length }) as object),
  "leaves out `start` if it is null": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      if (snapshot === null || snapshot.start !== null) return snapshot;
      const { start: _, ...others } = snapshot;
      return others as typeof snapshot;
    },
  }),
});

/** Whether it is a revision of the in-memory backend. */
function isPlace(revision: unknown): revision is string {
  return typeof revision === "string" && /^[\w-]{22}\.\d+$/.test(revision);
}

/** Changes the options of a read. */
function asked(change: (options: ReadOptions) => ReadOptions): Mutation {
  return (honest) => ({
    read: async (id, options = {}) => honest.read(id, { ...options, ...change(options) }),
  });
}

/** Changes the answer of a read. */
function answered(
  change: (snapshot: Snapshot<KitRecord>, options: ReadOptions) => Partial<Snapshot<KitRecord>>,
): Mutation {
  return (honest) => ({
    async read(id, options = {}) {
      const snapshot = await honest.read(id, options);
      return snapshot && { ...snapshot, ...change(snapshot, options) };
    },
  });
}
