import { setImmediate as tick } from "node:timers/promises";
import { MemoryError } from "@deep-agent/core";
import { breaking, type Mutant } from "../mutant.ts";

export const abort: Mutant[] = breaking(
  "an aborted call rejects with the signal's reason, and is done completely or not at all",
  {
    "loads despite the abort": (honest) => ({ load: async (id) => honest.load(id) }),
    "saves despite the abort": (honest) => ({ save: async (id, records) => honest.save(id, records) }),
    "deletes despite the abort": (honest) => ({ delete: async (id) => honest.delete(id) }),
    "lists despite the abort": (honest) => ({ list: async () => honest.list() }),
    "appends despite the abort": (honest) => ({ append: async (id, records) => honest.append(id, records) }),
    "reads despite the abort": (honest) => ({ read: async (id) => honest.read(id) }),
    "pings despite the abort": (honest) => ({ ping: async () => honest.ping() }),
    "returns facts despite the abort": (honest) => ({ info: async (id) => honest.info(id) }),
    "pages despite the abort": (honest) => ({ recent: async ({ limit }) => honest.recent({ limit }) }),
    "touches despite the abort": (honest) => ({ touch: async (id) => honest.touch(id) }),

    "saves, then rejects": (honest) => ({
      async save(id, records, options) {
        await honest.save(id, records);
        options?.signal?.throwIfAborted();
      },
    }),
    "appends, then rejects": (honest) => ({
      async append(id, records, options) {
        const revision = await honest.append(id, records);
        options?.signal?.throwIfAborted();
        return revision;
      },
    }),
    "deletes, then rejects": (honest) => ({
      async delete(id, options) {
        await honest.delete(id);
        options?.signal?.throwIfAborted();
      },
    }),
    "rejects with an error of its own": (honest) => ({
      async load(id, options) {
        if (options?.signal?.aborted) throw new DOMException("This operation was aborted", "AbortError");
        return honest.load(id, options);
      },
    }),
    "rejects with an error that has the reason as its cause": (honest) => ({
      async load(id, options) {
        const { aborted, reason } = options?.signal ?? {};
        if (aborted) throw new MemoryError("UNAVAILABLE", "The call was aborted.", { cause: reason });
        return honest.load(id, options);
      },
    }),
    "ignores a reason that is falsy": (honest) => ({
      async load(id, options) {
        if (options?.signal?.reason) throw options.signal.reason;
        return honest.load(id);
      },
    }),
    "returns null instead of rejecting": (honest) => ({
      load: async (id, options) => (options?.signal?.aborted ? null : honest.load(id, options)),
    }),

    "stops within an entry": (honest) => ({
      async append(id, records, options) {
        let revision = "";
        for (const record of structuredClone(records)) {
          revision = await honest.append(id, [record], options);
          await Promise.resolve();
        }
        return revision;
      },
    }),
    "closes at the first abort": (honest) => ({
      async load(id, options) {
        options?.signal?.addEventListener("abort", () => void honest.close());
        return honest.load(id, options);
      },
    }),
    "undoes a save when its signal is aborted later": (honest) => ({
      async save(id, records, options) {
        await honest.save(id, records, options);
        options?.signal?.addEventListener("abort", () => void honest.delete(id));
      },
    }),
    "rejects a running write with an error of its own": (honest) => ({
      async append(id, records, options) {
        options?.signal?.throwIfAborted();
        const revision = await honest.append(id, records);
        await tick();
        if (options?.signal?.aborted)
          throw new MemoryError("UNAVAILABLE", "The call was aborted.", { outcome: "unknown" });
        return revision;
      },
    }),
  },
);
