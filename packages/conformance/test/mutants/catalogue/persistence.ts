import { instanceOn } from "../instance.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";
import { newStore } from "../store.ts";

/** Whatever of it is remembered dies with the instance. */
const inThisProcess: Mutation = () => instanceOn(newStore());

export const persistence: Mutant[] = breaking("another instance on the store finds what was written", {
  "forgets all with its instance": inThisProcess,
  "forgets what is appended with its instance": (honest, store) => {
    const { append, read, close } = inThisProcess(honest, store);
    return { append, read, close };
  },
  "forgets empty memories with its instance": (honest) => ({
    async close() {
      for (const id of await honest.list()) if ((await honest.load(id))?.length === 0) await honest.delete(id);
      await honest.close();
    },
  }),
  "forgets deletes with its instance": (honest) => {
    const deleted = new Set<string>();
    return {
      delete: async (id) => void deleted.add(id),
      load: async (id, options) => (deleted.has(id) ? null : honest.load(id, options)),
      list: async (options) => (await honest.list(options)).filter((id) => !deleted.has(id)),
    };
  },
  "forgets the newest save with its instance": (honest) => {
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
  "finds no more long ids": (honest, { instances }) => ({
    load: async (id, options) => (instances > 1 && id.length > 255 ? null : honest.load(id, options)),
  }),
  "finds no more ids with a dot": (honest, { instances }) => ({
    list: async (options) => (await honest.list(options)).filter((id) => instances === 1 || !id.startsWith(".")),
  }),
  "reads texts in another encoding": (honest, { instances }) => ({
    async load(...args) {
      const records = await honest.load(...args);
      const isForeign = instances > 1 && records?.[0]?.["text"] !== undefined;
      return isForeign ? records.map((record) => ({ ...record, text: latin1(record["text"]) })) : records;
    },
  }),
  "cannot delete what another instance made": (honest, { instances }) => ({
    delete: async (...args) => (instances > 1 ? undefined : honest.delete(...args)),
  }),
  "has revisions of its own in each instance": (honest, { instances }) => ({
    append: async (id, records, options) =>
      `${instances}.${await honest.append(id, records, { ...options, since: undefined, expectedRevision: undefined })}`,
    read: async (id, options) => {
      const snapshot = await honest.read(id, { ...options, since: options?.since?.replace(`${instances}.`, "") });
      return snapshot && { ...snapshot, revision: `${instances}.${snapshot.revision}` };
    },
  }),
  "knows no operation of another instance": (honest, { instances }) => ({
    append: async (id, records, options) =>
      honest.append(id, records, {
        ...options,
        ...(options?.operationId && { operationId: `${options.operationId}-${instances}` }),
      }),
  }),
});

function latin1(text: unknown): string {
  return Buffer.from(String(text)).toString("latin1");
}
