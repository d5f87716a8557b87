import { setImmediate as tick } from "node:timers/promises";
import { MemoryError } from "@deep-agent/core";
import { onFourMethods } from "../four-methods.ts";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

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

    ...Object.fromEntries(
      (["load", "save", "append", "read", "delete", "list", "ping", "info", "recent", "touch"] as const).map(
        (method) => [`leaves a listener on the signal of each ${method}`, listening(method, () => true)],
      ),
    ),
    "has four methods, and leaves a listener on the signal of each load": onFourMethods(listening("load", () => true)),
    "leaves a listener on the signal of an append that it refuses": listening("append", (isDone) => !isDone),
    "leaves a listener on the signal of a save that it refuses": listening("save", (isDone) => !isDone),
    "takes the place of `onabort`": (honest) => ({
      async load(id, options) {
        const signal = options?.signal;
        if (signal) signal.onabort = () => undefined;
        return honest.load(id, options);
      },
    }),
    "aborts all running loads with one": (honest) => {
      const running = new Set<AbortController>();
      return {
        async load(id, options) {
          options?.signal?.throwIfAborted();
          const own = new AbortController();
          running.add(own);
          const abort = (): void => {
            for (const one of running) one.abort(options?.signal?.reason);
          };
          options?.signal?.addEventListener("abort", abort, { once: true });
          try {
            const records = await honest.load(id);
            for (let turn = 0; turn < 6; turn++) await Promise.resolve();
            own.signal.throwIfAborted();
            return records;
          } finally {
            running.delete(own);
            options?.signal?.removeEventListener("abort", abort);
          }
        },
      };
    },
    ...Object.fromEntries(
      (["load", "read", "delete", "list"] as const).map((method) => [
        `rejects a running ${method} with an error of its own`,
        failingIfAborted(method),
      ]),
    ),
    "undoes an append when its signal is aborted later": (honest) => ({
      async append(id, records, options) {
        const before = (await honest.load(id)) ?? [];
        const revision = await honest.append(id, records, options);
        options?.signal?.addEventListener("abort", () => void honest.save(id, before));
        return revision;
      },
    }),
    "brings a deleted memory back when the signal is aborted later": (honest) => ({
      async delete(id, options) {
        const before = (await honest.load(id)) ?? [];
        await honest.delete(id, options);
        options?.signal?.addEventListener("abort", () => void honest.save(id, before));
      },
    }),
    "does not recognize an operation that was aborted": (honest) => ({
      async append(id, records, options) {
        options?.signal?.throwIfAborted();
        const { signal, ...others } = options ?? {};
        const named = signal === undefined ? others : { ...others, operationId: undefined };
        const revision = await honest.append(id, records, named);
        await Promise.resolve();
        signal?.throwIfAborted();
        return revision;
      },
    }),
    "ignores a falsy reason when it lists": (honest) => ({
      async list(options) {
        if (options?.signal?.reason) throw options.signal.reason;
        return honest.list({ ...options, signal: undefined });
      },
    }),
  },
);

type Method = "load" | "save" | "append" | "read" | "delete" | "list" | "ping" | "info" | "recent" | "touch";

/** Leaves a listener on the signal of a call that ended in a certain way. */
function listening(method: Method, isLeft: (isDone: boolean) => boolean): Mutation {
  return (honest) => ({
    [method]: async (...args: unknown[]): Promise<unknown> => {
      const { signal } = Object(args.at(-1)) as { signal?: unknown };
      const listener = (): void => undefined;
      if (signal instanceof AbortSignal) signal.addEventListener("abort", listener);
      let isDone = false;
      try {
        const answer: unknown = await Reflect.apply(honest[method], honest, args);
        isDone = true;
        return answer;
      } finally {
        if (signal instanceof AbortSignal && !isLeft(isDone)) signal.removeEventListener("abort", listener);
      }
    },
  });
}

/** Rejects a call that is aborted while it runs with an error of its own. */
function failingIfAborted(method: Method): Mutation {
  return (honest) => ({
    [method]: async (...args: unknown[]): Promise<unknown> => {
      const { signal } = Object(args.at(-1)) as { signal?: unknown };
      const answer: unknown = await Reflect.apply(honest[method], honest, args);
      for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      if (signal instanceof AbortSignal && signal.aborted)
        throw new MemoryError("UNAVAILABLE", "The call was aborted.", { outcome: "unknown" });
      return answer;
    },
  });
}
