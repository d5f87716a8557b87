import { setTimeout as sleep } from "node:timers/promises";
import { MemoryError, type Revision } from "@deep-agent/core";
import { KeyedQueue } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../../src/kit-records.ts";
import type { Full } from "../instance.ts";
import type { Changes } from "../mutant.ts";

/** The mutants of one promise: what each changes of a correct backend, in each process on its own. */
export type Mutations = Readonly<Record<string, (honest: Full) => Changes>>;

/** How long a mutant takes between a look and a write, in ms, as a store over a network does. */
const GAP_MS = 8;

/** How long a mutant waits for a lock, in ms. */
const LOCK_MS = 1_500;

const gap = (): Promise<void> => sleep(GAP_MS);

/** Locks of a process do not hold in another one. */
const lock = new KeyedQueue();

export const seeing: Mutations = {
  "loads from a cache of its process": (honest) => {
    const cache = new Map<string, KitRecord[] | null>();
    const written = async <R>(id: string, call: Promise<R>): Promise<R> => {
      const answer = await call;
      cache.delete(id);
      return answer;
    };
    return {
      async load(id, options) {
        const records = cache.get(id) ?? (await honest.load(id, options));
        cache.set(id, records);
        return structuredClone(records);
      },
      save: (id, ...rest) => written(id, honest.save(id, ...rest)),
      append: (id, ...rest) => written(id, honest.append(id, ...rest)),
      delete: (id, options) => written(id, honest.delete(id, options)),
    };
  },
  "lists the memories that its process has seen": (honest) => {
    const seen = new Set<string>();
    return {
      async save(id, ...rest) {
        await honest.save(id, ...rest);
        seen.add(id);
      },
      async load(id, options) {
        const records = await honest.load(id, options);
        if (records !== null) seen.add(id);
        return records;
      },
      list: async (options) => (await honest.list(options)).filter((id) => seen.has(id)),
    };
  },
  "keeps the ids in one index, under a lock of its process": (honest) => {
    const INDEX = "the index";
    const index = async (): Promise<string[]> => ((await honest.load(INDEX)) ?? []).map(({ id }) => String(id));
    const change = (changed: (ids: string[]) => string[]): Promise<void> =>
      lock.run(INDEX, async () => {
        const ids = await index();
        await honest.save(
          INDEX,
          changed(ids).map((id) => ({ id })),
        );
      });
    return {
      async save(id, ...rest) {
        await honest.save(id, ...rest);
        await change((ids) => [...new Set([...ids, id])]);
      },
      async delete(id, options) {
        await honest.delete(id, options);
        await change((ids) => ids.filter((one) => one !== id));
      },
      list: () => index(),
      info: undefined,
      recent: undefined,
    };
  },
  "writes a save a moment after it has confirmed it": (honest) => {
    const late = new Map<string, Promise<void>>();
    return {
      async save(id, records, options) {
        late.set(
          id,
          sleep(30)
            .then(() => honest.save(id, records, options))
            .catch(() => undefined), // nobody waits for it, and the backend may be closed
        );
      },
      async load(id, options) {
        await late.get(id);
        return honest.load(id, options);
      },
      async list(options) {
        await Promise.all(late.values());
        return honest.list(options);
      },
      async delete(id, options) {
        await late.get(id);
        await honest.delete(id, options);
      },
    };
  },
  "saves in two steps, under a lock of its process": (honest) => ({
    save: (id, records, options) =>
      lock.run(id, async () => {
        if (records.length < 2) return honest.save(id, records, options);
        await honest.save(id, records.slice(0, records.length / 2), options);
        await honest.append(id, records.slice(records.length / 2));
      }),
    load: (id, options) => lock.run(id, () => honest.load(id, options)),
  }),
  "counts a time to live in its process": (honest) => {
    // As an adapter does that keeps deadlines in RAM. The time is that of the kit's tests in real time.
    const writes = new Map<string, number>();
    return {
      async save(id, ...rest) {
        await honest.save(id, ...rest);
        writes.set(id, Date.now());
      },
      async append(id, ...rest) {
        const revision = await honest.append(id, ...rest);
        writes.set(id, Date.now());
        return revision;
      },
      async load(id, options) {
        const { expiresAt = null, updatedAt = 0 } = (await honest.info(id)) ?? {};
        const written = writes.get(id) ?? updatedAt;
        if (expiresAt !== null && Date.now() > written + (expiresAt - updatedAt)) return null;
        return honest.load(id, options);
      },
    };
  },
};

export const writing: Mutations = {
  "appends by a load and a save, under a lock of its process": (honest) => ({
    append: (id, records) =>
      lock.run(id, async () => {
        const old = (await honest.load(id)) ?? [];
        await honest.save(id, [...old, ...records]);
        return revisionOf(honest, id);
      }),
  }),
  "drops an append that meets one of another process": (honest) => ({
    append: (id, records, options) =>
      lock.run(id, async () => {
        const { revision = null } = (await honest.read(id, { last: 1 })) ?? {};
        try {
          return await honest.append(id, records, { expectedRevision: revision, ...options });
        } catch (error) {
          if (options?.expectedRevision !== undefined || options?.since !== undefined) throw error;
          return revisionOf(honest, id);
        }
      }),
  }),
  "creates a memory by a save if it has seen none": (honest) => ({
    append: (id, records, options) =>
      lock.run(id, async () => {
        if ((await honest.load(id)) !== null || options?.expectedRevision !== undefined)
          return honest.append(id, records, options);
        await gap();
        await honest.save(id, records);
        return revisionOf(honest, id);
      }),
  }),
  "checks an expected revision under a lock of its process": (honest) => ({
    append: (id, records, { expectedRevision, ...options } = {}) =>
      lock.run(id, async () => {
        const { revision = null } = (await honest.read(id, { last: 1 })) ?? {};
        if (expectedRevision !== undefined && expectedRevision !== revision) throw conflict();
        return honest.append(id, records, options);
      }),
  }),
  "checks the expected revision of a save under a lock of its process": (honest) => ({
    save: (id, records, { expectedRevision, ...options } = {}) =>
      lock.run(id, async () => {
        const { revision = null } = (await honest.read(id, { last: 1 })) ?? {};
        if (expectedRevision !== undefined && expectedRevision !== revision) throw conflict();
        return honest.save(id, records, options);
      }),
  }),
  "recognizes the operations of its own process only": (honest) => ({
    append: (id, records, options) =>
      honest.append(id, records, {
        ...options,
        ...(options?.operationId !== undefined && { operationId: `${options.operationId}-${process.pid}` }),
      }),
  }),
  "looks for an operation before it takes the lock": (honest) => ({
    async append(id, records, { operationId, ...options } = {}) {
      if (operationId === undefined) return honest.append(id, records, options);
      const known = await honest.load(`${id} ${operationId}`);
      if (known !== null) return String(known[0]?.["revision"]);
      const revision = await honest.append(id, records, options);
      await honest.save(`${id} ${operationId}`, [{ revision }]);
      return revision;
    },
  }),
  "answers an operation of another process with the newest revision": (honest) => {
    const own = new Set<string>();
    return {
      async append(id, records, options) {
        const { revision: before } = (await honest.read(id, { last: 1 })) ?? {};
        const revision = await honest.append(id, records, options);
        const { operationId } = options ?? {};
        if (operationId === undefined || own.has(operationId)) return revision;
        own.add(operationId);
        return revision === before ? `${revision}-again` : revision;
      },
    };
  },
  "reads what is new by the length that it has cached": (honest) => {
    const lengths = new Map<Revision, number>();
    let known = 0;
    return {
      async append(id, records, options) {
        const revision = await honest.append(id, records, options);
        known += records.length;
        return revision;
      },
      async read(id, options) {
        const snapshot = await honest.read(id, options);
        if (snapshot === null) return null;
        const { since } = options ?? {};
        if (since === undefined) {
          known = snapshot.records.length;
          lengths.set(snapshot.revision, known);
          return snapshot;
        }
        const from = lengths.get(since);
        if (from === undefined || snapshot.reset) return snapshot;
        lengths.set(snapshot.revision, known);
        return { ...snapshot, records: ((await honest.load(id)) ?? []).slice(from, known) };
      },
    };
  },
  "reads a window from a cache that only its own writes renew": (honest) => {
    const windows = new Map<string, Awaited<ReturnType<Full["read"]>>>();
    return {
      async read(id, options) {
        if (options?.last === undefined || options.since !== undefined || options.before !== undefined)
          return honest.read(id, options);
        const key = `${id} ${options.last}`;
        const window = windows.get(key) ?? (await honest.read(id, options));
        if (window !== null) windows.set(key, window);
        return window;
      },
      async append(id, ...rest) {
        windows.clear();
        return honest.append(id, ...rest);
      },
    };
  },
  "does not notice that another process has replaced the log": (honest) => ({
    async read(id, options) {
      const snapshot = await honest.read(id, options);
      return snapshot && { ...snapshot, reset: false };
    },
  }),
  "brings back what another process has deleted": (honest) => ({
    append: (id, records, options) =>
      lock.run(id, async () => {
        const old = await honest.load(id);
        if (old === null || options?.operationId !== undefined) return honest.append(id, records, options);
        await gap();
        if ((await honest.load(id)) === null) await honest.save(id, old);
        return honest.append(id, records, options);
      }),
  }),
  "appends an entry in two halves, under a lock of its process": (honest) => {
    const halves = (records: readonly KitRecord[]) => [records.slice(0, 1), records.slice(1)] as const;
    return {
      append: (id, records, options) =>
        lock.run(id, async () => {
          const [first, second] = halves(records);
          const revision = await honest.append(id, first, options);
          return second.length === 0 ? revision : honest.append(id, second);
        }),
      read: (id, options) => lock.run(id, () => honest.read(id, options)),
      load: (id, options) => lock.run(id, () => honest.load(id, options)),
    };
  },
};

export const dying: Mutations = {
  "leaves its lock if it is killed": (honest) => {
    const LOCKED = "the lock";
    const locked = async <R>(call: () => Promise<R>): Promise<R> => {
      const end = Date.now() + LOCK_MS;
      while (!(await taken(honest, LOCKED))) {
        if (Date.now() > end) throw new MemoryError("UNAVAILABLE", "Another process holds the lock.");
        await sleep(5);
      }
      try {
        return await call();
      } finally {
        await honest.delete(LOCKED);
      }
    };
    return {
      append: (...args) => locked(() => honest.append(...args)),
      save: (...args) => locked(() => honest.save(...args)),
      list: async (options) => (await honest.list(options)).filter((id) => id !== LOCKED),
    };
  },
  "appends an entry in two halves": (honest) => ({
    async append(id, records, options) {
      await honest.append(id, records.slice(0, 1), options);
      await gap();
      return honest.append(id, records.slice(1));
    },
  }),
  "deletes the memory before it saves it": (honest) => ({
    async save(id, records, options) {
      await honest.delete(id);
      await gap();
      await honest.save(id, records, options);
    },
  }),
  "confirms an append before it is stored": (honest) => {
    let last: Promise<unknown> = Promise.resolve();
    return {
      async append(id, records, options) {
        last = last.then(() => sleep(10)).then(() => honest.append(id, records, options));
        last.catch(() => undefined);
        const { revision = "" } = (await honest.read(id, { last: 1 })) ?? {};
        return revision;
      },
      async load(id, options) {
        await last;
        return honest.load(id, options);
      },
    };
  },
  "refuses a memory that was being written": (honest) => {
    const marked = (id: string): string => `${id} is being written`;
    const check = async (id: string): Promise<void> => {
      const by = (await honest.load(marked(id)))?.[0]?.["pid"];
      if (by !== undefined && by !== process.pid) throw new MemoryError("CORRUPT", "A write was not completed.");
    };
    return {
      async append(id, records, options) {
        await check(id);
        await honest.save(marked(id), [{ pid: process.pid }]);
        const revision = await honest.append(id, records, options);
        await honest.delete(marked(id));
        return revision;
      },
      async load(id, options) {
        await check(id);
        return honest.load(id, options);
      },
      list: async (options) => (await honest.list(options)).filter((id) => !id.endsWith(" is being written")),
    };
  },
  "forgets the operations of a process that was killed": (honest) => ({
    append: (id, records, options) =>
      honest.append(id, records, {
        ...options,
        ...(options?.operationId !== undefined && { operationId: `${options.operationId}-${process.pid}` }),
      }),
  }),
};

async function taken(honest: Full, id: string): Promise<boolean> {
  try {
    await honest.save(id, [], { expectedRevision: null });
    return true;
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return false;
    throw error;
  }
}

async function revisionOf(honest: Full, id: string): Promise<Revision> {
  return (await honest.read(id, { last: 1 }))?.revision ?? "";
}

function conflict(): MemoryError {
  return new MemoryError("CONFLICT", "The log is at another revision.");
}
