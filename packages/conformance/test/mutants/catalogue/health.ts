import { MemoryError } from "@deep-agent/core";
import { breaking, type Mutant } from "../mutant.ts";

export const health: Mutant[] = breaking("ping returns how long the store took to answer", {
  "returns PONG": () => ({ ping: async () => "PONG" as unknown as { latencyMs: number } }),
  "returns no latency": () => ({ ping: async () => ({}) as { latencyMs: number } }),
  "returns the time of the ping": () => ({ ping: async () => ({ latencyMs: Date.now() }) }),
  "returns nanoseconds": () => ({ ping: async () => ({ latencyMs: process.hrtime.bigint() as unknown as number }) }),
  "returns a negative latency": () => ({ ping: async () => ({ latencyMs: -1 }) }),
  "answers only once": (honest) => {
    let pings = 0;
    return { ping: async () => (pings++ === 0 ? honest.ping() : { latencyMs: Number.NaN }) };
  },

  "creates a memory": (honest) => ({
    async ping(options) {
      await honest.save("ping", []);
      return honest.ping(options);
    },
  }),
  "returns the object that it keeps": () => {
    const answer = { latencyMs: 0 };
    return { ping: async () => answer };
  },
  "fails after ten pings": (honest) => {
    let pings = 0;
    return {
      async ping(options) {
        pings += 1;
        if (pings > 10) throw new MemoryError("UNAVAILABLE", "The connection was closed.");
        return honest.ping(options);
      },
    };
  },
  "answers one ping at a time": (honest) => {
    let isRunning = false;
    return {
      async ping(options) {
        if (isRunning) throw new MemoryError("UNAVAILABLE", "A ping is running.");
        isRunning = true;
        await Promise.resolve();
        isRunning = false;
        return honest.ping(options);
      },
    };
  },
});
