import { setTimeout as sleep, setImmediate as tick } from "node:timers/promises";
import { MemoryError } from "@deep-agent/core";
import { breaking, type Mutant, type Mutation } from "../mutant.ts";

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

  "does not wait for the calls in flight": slow((_running, closed) => closed()),
  "waits for the first of the calls in flight only": slow(async (running, closed) => {
    if (running.length > 0) await Promise.race(running);
    await closed();
  }),
  "does not wait at the second close": (honest, store) => {
    let closing: Promise<void> | undefined;
    return slow(async (running, closed) => {
      if (closing !== undefined) return;
      closing = Promise.allSettled(running).then(closed);
      await closing;
    })(honest, store);
  },
  "does not wait at the end of `await using`": (honest, store) => {
    const changes = slow(async (running, closed) => {
      await Promise.allSettled(running);
      await closed();
    })(honest, store);
    return { ...changes, [Symbol.asyncDispose]: async () => void changes.close?.() };
  },
  "writes after it was closed": (honest, { memories }) => {
    let waiting: Parameters<typeof honest.save>[] = [];
    const write = (): void => {
      for (const save of waiting.splice(0)) memories.save(...save).catch(() => undefined);
    };
    return {
      async save(id, records, options) {
        await honest.ping();
        waiting.push([id, structuredClone(records), options]);
      },
      async load(...args) {
        write();
        return honest.load(...args);
      },
      async close() {
        await honest.close();
        const late = waiting;
        waiting = [];
        setTimeout(() => {
          waiting = late;
          write();
        }, 30);
      },
    };
  },
  "rejects a save as not applied, and makes it after it was closed": (honest, { memories }) => {
    let isClosed = false;
    return {
      async save(id, records, options) {
        await honest.ping();
        const own = structuredClone(records);
        await sleep(2);
        if (!isClosed) return honest.save(id, own, options);
        await memories.save(id, own);
        throw new MemoryError("CLOSED", "This instance was closed.");
      },
      async close() {
        isClosed = true;
        await sleep(10);
        await honest.close();
      },
    };
  },
  "accepts calls until close has ended": (honest) => ({
    async close() {
      await sleep(5);
      await honest.close();
    },
  }),
  "says that what became of a call after close is unknown": (honest) => ({
    save: (...args) =>
      honest.save(...args).catch((error: unknown) => {
        throw MemoryError.is(error, "CLOSED") ? new MemoryError("CLOSED", "Closed.", { outcome: "unknown" }) : error;
      }),
  }),
  "cannot be closed for the fourth time": (honest) => {
    let closings = 0;
    return {
      async close() {
        closings += 1;
        if (closings > 3) throw new MemoryError("CLOSED", "This instance was closed.");
        await honest.close();
      },
    };
  },
  "has no more touch for other instances": (honest, store) => {
    const isFirst = store.instances === 1;
    return {
      async close() {
        if (isFirst) store.sideKeys.add("closed");
        await honest.close();
      },
      async touch(id, options) {
        if (store.sideKeys.has("closed") && !isFirst) throw new MemoryError("CLOSED", "This instance was closed.");
        await honest.touch(id, options);
      },
    };
  },
});

/** A backend whose calls take some milliseconds. `end` gets the calls in flight, and a function that closes it. */
function slow(end: (running: Promise<unknown>[], closed: () => Promise<void>) => Promise<void>): Mutation {
  return (honest, { memories }) => {
    const running = new Set<Promise<unknown>>();
    let isClosed = false;
    const later = <R>(call: () => Promise<R>): Promise<R> => {
      if (isClosed) return Promise.reject(new MemoryError("CLOSED", "This instance was closed."));
      // The calls in flight at a close take so long that even a busy machine looks before they end; the first does not.
      const isFirst = running.size === 0;
      const own = sleep(4)
        .then(() => (isClosed && !isFirst ? sleep(300) : undefined))
        .then(call);
      running.add(own);
      const done = (): void => void running.delete(own);
      own.then(done, done);
      return own;
    };
    const close = async (): Promise<void> => {
      isClosed = true;
      await end([...running], async () => honest.close());
    };
    return {
      load: (id, options) => later(() => memories.load(id, options)),
      save: (id, records, options) => {
        const own = structuredClone(records);
        return later(() => memories.save(id, own, options));
      },
      list: (options) => later(() => memories.list(options)),
      close,
      [Symbol.asyncDispose]: close,
    };
  };
}
