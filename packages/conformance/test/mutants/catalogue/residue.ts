import { breaking, type Mutant } from "../mutant.ts";

export const residue: Mutant[] = breaking("delete leaves nothing of a memory in the store", {
  // LangGraph's kit does not catch it.
  "leaves the operations of a deleted memory": (honest, { sideKeys }) => ({
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
  "leaves a mark of each delete": (honest, { sideKeys }) => ({
    async delete(id, options) {
      sideKeys.add(`deleted:${id}`);
      await honest.delete(id, options);
    },
  }),
  "leaves a lock for each absent memory": (honest, { sideKeys }) => ({
    async load(id, options) {
      const records = await honest.load(id, options);
      if (records === null) sideKeys.add(`lock:${id}`);
      return records;
    },
  }),
  "leaves the time of each touch": (honest, { sideKeys }) => ({
    async touch(id, options) {
      sideKeys.add(`touched:${id}`);
      await honest.touch(id, options);
    },
  }),

  "leaves a lock for each append that is refused": (honest, { sideKeys }) => ({
    async append(id, records, options) {
      sideKeys.add(`lock:${id}`);
      const revision = await honest.append(id, records, options);
      sideKeys.delete(`lock:${id}`);
      return revision;
    },
  }),
  "leaves the operations of named saves": (honest, { sideKeys }) => ({
    async save(id, records, options) {
      if (options?.operationId !== undefined) sideKeys.add(`${id}:save:${options.operationId}`);
      await honest.save(id, records, options);
    },
  }),
  "leaves the key of the third log of a memory": (honest, { sideKeys }) => {
    let deletes = 0;
    return {
      async delete(id, options) {
        deletes += 1;
        if (deletes === 3) sideKeys.add(`${id}:3`);
        await honest.delete(id, options);
      },
    };
  },
  "leaves a note about each absent memory whose facts are asked for": (honest, { sideKeys }) => ({
    async info(id, options) {
      const facts = await honest.info(id, options);
      if (facts === null) sideKeys.add(`info:${id}`);
      return facts;
    },
  }),
  "leaves what it wrote of a save that was refused": (honest, { sideKeys }) => ({
    async save(id, records, options) {
      sideKeys.add(`${id}:new`);
      await honest.save(id, records, options);
      sideKeys.delete(`${id}:new`);
    },
  }),
});
