import { InMemoryBackend } from "@deep-agent/in-memory";
import type { KitRecord } from "../../src/kit-records.ts";

/** The store of a target's instances. It outlives them, as a database does. */
export interface Store {
  readonly memories: InMemoryBackend<KitRecord>;
  /** The names that a mutant keeps beside the memories. {@link residueOf} returns them, too. */
  readonly sideKeys: Set<string>;
  /** The time to live of memories, in ms; `null` if they do not expire. */
  readonly ttl: number | null;
  /** The time in ms since 1970. If memories expire, the clock only moves when it is advanced. */
  now(): number;
  /** How many instances were opened on the store. */
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

/** The names of everything that the store keeps. */
export async function residueOf({ memories, sideKeys }: Store): Promise<string[]> {
  return [...(await memories.list()), ...sideKeys];
}
