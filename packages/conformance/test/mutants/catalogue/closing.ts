import { setImmediate as tick } from "node:timers/promises";
import { MemoryError } from "@deep-agent/core";
import { breaking, type Mutant } from "../mutant.ts";

export const closing: Mutant[] = breaking("close shuts a backend down cleanly", {
  "does not close": () => ({ close: async () => undefined, [Symbol.asyncDispose]: async () => undefined }),
  "is not closed by `await using`": () => ({ [Symbol.asyncDispose]: async () => undefined }),
  "closes once": (honest) => {
    let isClosed = false;
    return {
      async close() {
        if (isClosed) throw new MemoryError("CLOSED", "This instance was closed.");
        isClosed = true;
        await honest.close();
      },
    };
  },
  "throws if it is closed twice": (honest) => {
    let closings = 0;
    return {
      close() {
        if (closings++ > 0) throw new Error("The connection is not open.");
        return honest.close();
      },
    };
  },
  "cannot be closed before it was used": (honest) => {
    let isUsed = false;
    return {
      async save(...args) {
        isUsed = true;
        await honest.save(...args);
      },
      async close() {
        if (!isUsed) throw new MemoryError("UNAVAILABLE", "There is no connection.");
        await honest.close();
      },
    };
  },
  "returns true from close": (honest) => ({
    async close() {
      await honest.close();
      return true as unknown as undefined;
    },
  }),
  "lists after it was closed": (_honest, { memories }) => ({ list: async (options) => memories.list(options) }),
  "saves after it was closed": (_honest, { memories }) => ({ save: async (...args) => memories.save(...args) }),
  "reads after it was closed": (_honest, { memories }) => ({ read: async (...args) => memories.read(...args) }),
  "pings after it was closed": (_honest, { memories }) => ({ ping: async (...args) => memories.ping(...args) }),
  "rejects with a plain error after it was closed": (honest) => ({
    load: (id, options) => honest.load(id, options).catch(({ message }: Error) => Promise.reject(new Error(message))),
  }),
  "says UNAVAILABLE after it was closed": (honest) => ({
    load: (id, options) =>
      honest.load(id, options).catch(({ message }: Error) => Promise.reject(new MemoryError("UNAVAILABLE", message))),
  }),
  "throws after it was closed": (honest) => {
    let isClosed = false;
    return {
      async close() {
        isClosed = true;
        await honest.close();
      },
      load(id, options) {
        if (isClosed) throw new MemoryError("CLOSED", "This instance was closed.");
        return honest.load(id, options);
      },
    };
  },

  "loses acknowledged writes that it has not made yet": (honest) => {
    let waiting: Parameters<typeof honest.save>[] = [];
    return {
      async save(...args) {
        await honest.ping();
        waiting.push(args);
        setImmediate(() => {
          for (const save of waiting.splice(0)) honest.save(...save).catch(() => undefined);
        });
      },
      async close() {
        waiting = [];
        await honest.close();
      },
    };
  },
  "rejects calls in flight with an error of its own": (honest) => {
    let isClosed = false;
    return {
      async save(...args) {
        await honest.ping();
        await tick();
        if (isClosed) throw new Error("read ECONNRESET");
        await honest.save(...args);
      },
      async close() {
        isClosed = true;
        await honest.close();
      },
    };
  },
  "closes the store with the instance": (honest, { memories }) => ({
    async close() {
      await memories.close();
      await honest.close();
    },
  }),
});
