import { InMemoryBackend } from "@deep-agent/in-memory";
import type { ConformanceTarget } from "../src/index.ts";
import type { KitRecord } from "../src/kit-records.ts";

let now = 1_700_000_000_000;

/** The in-memory backend. Its memories end with it, so it has no `reopen`. */
export const inMemory: ConformanceTarget = {
  name: "in-memory",
  open: () => new InMemoryBackend<KitRecord>(),
  ttl: {
    open: (ttl) => new InMemoryBackend<KitRecord>({ ttl, clock: () => now }),
    advance(ms) {
      now += ms;
    },
  },
};
