import type { Capabilities, Capability, MemoryBackend } from "@deep-agent/core/adapter";
import type { KitRecord } from "./kit-records.ts";
import type { Stage } from "./stage.ts";
import type { Facility } from "./target.ts";

/** One promise of the contract, with its tests. */
export interface Suite {
  /** A sentence, which is also the suite's name. */
  readonly promise: string;
  /** The capability that the promise is about. A backend without it must have no method of it. */
  readonly capability?: Capability;
  /** The member that a target needs for these tests. */
  readonly facility?: Facility;
  readonly tests: readonly Test[];
}

export interface Test {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

type Body<B extends MemoryBackend<KitRecord>> = (stage: Stage<B>) => Promise<void>;

/** A promise of every backend. */
export function suite(
  promise: string,
  tests: Readonly<Record<string, Body<MemoryBackend<KitRecord>>>>,
  facility?: Facility,
): Suite {
  return { promise, ...(facility && { facility }), tests: listed(tests) };
}

/** A promise of the backends that have a capability. */
export function suiteOf<C extends Capability>(
  capability: C,
  promise: string,
  tests: Readonly<Record<string, Body<MemoryBackend<KitRecord> & Capabilities<KitRecord>[C]>>>,
  facility?: Facility,
): Suite {
  // The tests run only on a backend that has the capability.
  const bodies = tests as unknown as Readonly<Record<string, Body<MemoryBackend<KitRecord>>>>;
  return { promise, capability, ...(facility && { facility }), tests: listed(bodies) };
}

function listed(tests: Readonly<Record<string, Body<MemoryBackend<KitRecord>>>>): Test[] {
  return Object.entries(tests).map(([name, run]) => ({ name, run }));
}
