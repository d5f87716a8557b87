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
});
