import type { Mutation } from "./mutant.ts";

/** Changes the id of every call. */
export function naming(change: (id: string) => string): Mutation {
  return (honest) => ({
    load: async (id, options) => honest.load(change(id), options),
    save: async (id, records, options) => honest.save(change(id), records, options),
    delete: async (id, options) => honest.delete(change(id), options),
    append: async (id, records, options) => honest.append(change(id), records, options),
    read: async (id, options) => honest.read(change(id), options),
    info: async (id, options) => honest.info(change(id), options),
    touch: async (id, options) => honest.touch(change(id), options),
  });
}
