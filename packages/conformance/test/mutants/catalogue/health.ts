import { breaking, type Mutant } from "../mutant.ts";

export const health: Mutant[] = breaking("ping answers how long the store took to answer", {
  "answers PONG": () => ({ ping: async () => "PONG" as unknown as { latencyMs: number } }),
  "answers nothing": () => ({ ping: async () => ({}) as { latencyMs: number } }),
  "answers when": () => ({ ping: async () => ({ latencyMs: Date.now() }) }),
  "answers nanoseconds": () => ({ ping: async () => ({ latencyMs: process.hrtime.bigint() as unknown as number }) }),
  "answers before it asked": () => ({ ping: async () => ({ latencyMs: -1 }) }),
  "answers once": (honest) => {
    let pings = 0;
    return { ping: async () => (pings++ === 0 ? honest.ping() : { latencyMs: Number.NaN }) };
  },
});
