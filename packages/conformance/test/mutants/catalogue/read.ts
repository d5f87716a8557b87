import { MemoryError, type Snapshot } from "@deep-agent/core";
import type { ReadOptions } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { at, moved, positionOf } from "../revisions.ts";

export const read: Mutant[] = breaking("read answers whole entries: the newest, the new, the page before", {
  "reads one entry too many since a revision": asked(({ since }) => ({
    since: isPlace(since) ? moved(since, -1) : since,
  })),
  "reads one entry too few since a revision": answered((snapshot, { since }) =>
    isPlace(since) ? { records: snapshot.records.slice(1) } : {},
  ),
  "says reset to whoever asks what came since": answered((_snapshot, { since }) =>
    since === undefined ? {} : { reset: true },
  ),
  "takes the beginning of a log for no place": answered(({ reset }, { since }) => ({
    reset: reset || (isPlace(since) && positionOf(since) === 0),
  })),
  "does not know `since`": asked(() => ({ since: undefined })),
  "does not know `since` beside `last`": asked(({ since, last }) => ({
    since: last === undefined ? since : undefined,
  })),
  "does not know `last`": asked(() => ({ last: undefined })),
  "does not know `last` beside `since`": asked(({ since, last }) => ({ last: since === undefined ? last : undefined })),
  "does not know `last` beside `before`": asked(({ before, last }) => ({
    last: before === undefined ? last : undefined,
  })),
  "does not know `before`": asked(() => ({ before: undefined })),

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
  "says that a page begins the log where one more is before": answered(({ start }) =>
    start !== null && positionOf(start) === 1 ? { start: null } : {},
  ),
  "never says that a page begins the log": answered(({ start, revision }) => ({ start: start ?? at(revision, 0) })),
  "does not say where a page begins": answered(() => ({ start: null })),
  "takes every page for a cut": answered(({ start }, { since }) =>
    since === undefined && start !== null ? { reset: true } : {},
  ),

  "never says reset": answered(() => ({ reset: false })),
  "does not say reset where `last` cut": answered(({ reset }, { since, last }) => ({
    reset: reset && (last === undefined || !isPlace(since)),
  })),
  "says reset where `last` was just enough": answered(({ records }, { since, last }) =>
    since !== undefined && last === records.length ? { reset: true } : {},
  ),
  "takes another log for a loss": answered(({ reset }, { last }) => ({ regressed: reset && last === undefined })),
  "answers nothing of another log": answered(({ records, reset }, { last }) =>
    reset && last === undefined ? { records: [] } : { records },
  ),
  "rejects a revision of another log": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      if (snapshot?.reset && options?.last === undefined) throw new MemoryError("CONFLICT", "The log is another one.");
      return snapshot;
    },
  }),
  "answers the revision that it was asked about": answered(({ revision }, { since }) => ({
    revision: isPlace(since) ? since : revision,
  })),
  "takes a last of zero for none": asked(({ last }) => (last === 0 ? { last: undefined } : {})),
  "rounds a last that is no integer": asked(({ last }) => (last === 1.5 ? { last: 2 } : {})),
  "takes `since` and `before` together": asked(({ since, before }) => (since && before ? { before: undefined } : {})),
  "takes an empty `since` for none": asked(({ since }) => (since === "" ? { since: undefined } : {})),
});

/** Whether it is a revision at all. */
function isPlace(revision: unknown): revision is string {
  return typeof revision === "string" && /^[\w-]{22}\.\d+$/.test(revision);
}

/** Asks for something else. */
function asked(change: (options: ReadOptions) => ReadOptions): Mutation {
  return (honest) => ({
    read: async (id, options = {}) => honest.read(id, { ...options, ...change(options) }),
  });
}

/** Answers something else. */
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
