import { InMemoryBackend } from "@deep-agent/in-memory";
import type { KitRecord } from "../../src/kit-records.ts";

/** Where the instances of a target keep their memories: what outlives them all, as a database does. */
export interface Store {
  readonly memories: InMemoryBackend<KitRecord>;
  /** The names of what a mutant keeps beside the memories: {@link residueOf} tells them, too. */
  readonly sideKeys: Set<string>;
  /** How long memories live, in ms; `null`: for ever. */
  readonly ttl: number | null;
  /** Milliseconds since 1970. Memories that expire have a clock which stands still until it is moved. */
  now(): number;
  /** How many instances were opened on it. */
  instances: number;
}

/** The clock of the stores whose memories expire. */
const clock = { now: 1_700_000_000_000 };

export function advance(ms: number): void {
  clock.now += ms;
}

export function newStore(ttl: number | null = null): Store {
  const now = ttl === null ? Date.now : (): number => clock.now;
  const memories = new InMemoryBackend<KitRecord>({ ttl, clock: now });
  return { memories, sideKeys: new Set(), ttl, now, instances: 0 };
}

/** The names of all that the store keeps. */
export async function residueOf({ memories, sideKeys }: Store): Promise<string[]> {
  return [...(await memories.list()), ...sideKeys];
}
