import { breaking, type Mutant } from "../mutant.ts";

export const residue: Mutant[] = breaking("delete leaves nothing behind in the store", {
  // LangGraph's kit lets it pass.
  "leaves the operations of what it deletes": (honest, { sideKeys }) => ({
    async append(id, records, options) {
      if (options?.operationId !== undefined) sideKeys.add(`${id}:operation:${options.operationId}`);
      return honest.append(id, records, options);
    },
  }),
  "leaves the log that a save replaced": (honest, { sideKeys }) => ({
    async save(id, records, options) {
      if ((await honest.load(id)) !== null) sideKeys.add(`${id}:old`);
      await honest.save(id, records, options);
    },
  }),
  "leaves the entry of an index": (honest, { sideKeys }) => ({
    async save(id, records, options) {
      sideKeys.add(`index:${id}`);
      await honest.save(id, records, options);
    },
    async delete(id, options) {
      if (id.length < 900) sideKeys.delete(`index:${id}`);
      await honest.delete(id, options);
    },
  }),
  "leaves a mark that something was deleted": (honest, { sideKeys }) => ({
    async delete(id, options) {
      sideKeys.add(`deleted:${id}`);
      await honest.delete(id, options);
    },
  }),
  "leaves a lock of what it looked for": (honest, { sideKeys }) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      if (records === null) sideKeys.add(`lock:${id}`);
      return records;
    },
  }),
  "leaves the time at which something was touched": (honest, { sideKeys }) => ({
    async touch(id, options) {
      sideKeys.add(`touched:${id}`);
      await honest.touch(id, options);
    },
  }),
});
