import { instanceOn } from "../instance.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { newStore } from "../store.ts";

/** Memories that end with their instance. */
const inThisProcess: Mutation = () => instanceOn(newStore());

export const persistence: Mutant[] = breaking("another instance on the store finds what was written", {
  "forgets everything when its instance ends": inThisProcess,
  "forgets appended records when its instance ends": (honest, store) => {
    const { append, read, close } = inThisProcess(honest, store);
    return { append, read, close };
  },
  "forgets empty memories when its instance ends": (honest) => ({
    async close() {
      for (const id of await honest.list()) if ((await honest.load(id))?.length === 0) await honest.delete(id);
      await honest.close();
    },
  }),
  "forgets deletes when its instance ends": (honest) => {
    const deleted = new Set<string>();
    return {
      delete: async (id) => void deleted.add(id),
      load: async (id, options) => (deleted.has(id) ? null : honest.load(id, options)),
      list: async (options) => (await honest.list(options)).filter((id) => !deleted.has(id)),
    };
  },
  "forgets the newest save when its instance ends": (honest) => {
    let newest: Parameters<typeof honest.save> | undefined;
    const flush = async (): Promise<void> => {
      if (newest !== undefined) await honest.save(...newest);
      newest = undefined;
    };
    return {
      async save(...args) {
        await flush();
        newest = args;
      },
      async load(...args) {
        if (newest !== undefined) await flush();
        return honest.load(...args);
      },
    };
  },
  "cannot find long ids in another instance": (honest, { instances }) => ({
    load: async (id, options) => (instances > 1 && id.length > 255 ? null : honest.load(id, options)),
  }),
  "cannot find ids with a dot in another instance": (honest, { instances }) => ({
    list: async (options) => (await honest.list(options)).filter((id) => instances === 1 || !id.startsWith(".")),
  }),
  "reads texts in another encoding in another instance": (honest, { instances }) => ({
    async load(...args) {
      const records = await honest.load(...args);
      const isForeign = instances > 1 && records?.[0]?.["text"] !== undefined;
      return isForeign ? records.map((record) => ({ ...record, text: latin1(record["text"]) })) : records;
    },
  }),
  "cannot delete the memories of another instance": (honest, { instances }) => ({
    delete: async (...args) => (instances > 1 ? undefined : honest.delete(...args)),
  }),
  "has different revisions in each instance": (honest, { instances }) => ({
    append: async (id, records, options) =>
      `${instances}.${await honest.append(id, records, { ...options, since: undefined, expectedRevision: undefined })}`,
    read: async (id, options) => {
      const snapshot = await honest.read(id, { ...options, since: options?.since?.replace(`${instances}.`, "") });
      return snapshot && { ...snapshot, revision: `${instances}.${snapshot.revision}` };
    },
  }),
  "does not recognize the operations of another instance": (honest, { instances }) => ({
    append: async (id, records, options) =>
      honest.append(id, records, {
        ...options,
        ...(options?.operationId && { operationId: `${options.operationId}-${instances}` }),
      }),
  }),

  "has cursors that only their instance knows": (honest, { instances }) => ({
    async recent(options) {
      const { cursor } = options;
      const own = cursor?.startsWith(`${instances}:`) ? cursor.slice(String(instances).length + 1) : cursor;
      const page = await honest.recent({ ...options, cursor: own });
      return { ...page, cursor: page.cursor && `${instances}:${page.cursor}` };
    },
  }),
  "has page starts that only their instance knows": (honest, { instances }) => ({
    async read(id, options) {
      const own = options?.before?.replace(`@${instances}`, "");
      const page = await honest.read(id, { ...options, ...(own !== undefined && { before: own }) });
      return page && { ...page, start: page.start && `${page.start}@${instances}` };
    },
  }),
  "forgets the operations of saves when its instance ends": (honest, { instances }) => ({
    save: async (id, records, options) =>
      honest.save(id, records, {
        ...options,
        ...(options?.operationId && { operationId: `${options.operationId}-${instances}` }),
      }),
  }),
  "returns the first write of its instance as the creation": (honest, { instances }) => {
    const wrote = new Map<string, number>();
    return {
      async save(id, ...rest) {
        await honest.save(id, ...rest);
        if (!wrote.has(id)) wrote.set(id, (await honest.info(id))?.updatedAt ?? 0);
      },
      async info(id, options) {
        const facts = await honest.info(id, options);
        return facts && { ...facts, createdAt: (instances > 1 ? wrote.get(id) : undefined) ?? facts.createdAt };
      },
    };
  },
  "does not find what the second instance wrote": (honest, { instances, sideKeys }) => ({
    async save(id, ...rest) {
      if (instances === 2) sideKeys.add(id);
      else sideKeys.delete(id);
      await honest.save(id, ...rest);
    },
    load: async (id, options) => (instances > 2 && sideKeys.has(id) ? null : honest.load(id, options)),
  }),
  "cuts large texts in another instance": (honest, { instances }) => ({
    async load(...args) {
      const records = await honest.load(...args);
      if (instances < 2) return records;
      return (
        records?.map((record) =>
          typeof record["text"] === "string" ? { ...record, text: record["text"].slice(0, 1_048_576) } : record,
        ) ?? null
      );
    },
  }),
  "finds the newest thousand records in another instance": (honest, { instances }) => ({
    load: async (...args) => (await honest.load(...args))?.slice(instances > 1 ? -1_000 : 0) ?? null,
  }),
});

function latin1(text: unknown): string {
  return Buffer.from(String(text)).toString("latin1");
}
