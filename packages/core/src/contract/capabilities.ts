import type {
  CatalogueCapability,
  ExpiryCapability,
  HealthCapability,
  InfoCapability,
  LifecycleCapability,
  LogCapability,
  MemoryBackend,
} from "./backend.ts";
import type { Message } from "./message.ts";

/** What a backend may support beyond the four methods, by name. Test for one with {@link supports}. */
export interface Capabilities<T extends object = Message> {
  /** Appends turns and reads windows. */
  log: LogCapability<T>;
  /** Asks the store whether it answers. */
  health: HealthCapability;
  /** Closes the backend. */
  lifecycle: LifecycleCapability;
  /** Facts about a memory without its records. */
  info: InfoCapability;
  /** Lists memories by their last write. */
  catalogue: CatalogueCapability;
  /** Renews a memory's time to live. */
  expiry: ExpiryCapability;
}

/** The methods that every backend has. */
export const requiredMethods: readonly (keyof MemoryBackend)[] = ["load", "save", "delete", "list"];

/** The name of a capability, such as `"log"`. */
export type Capability = keyof Capabilities;

/** The methods of each capability. A backend that has all of them has the capability. */
export const capabilityMethods: { readonly [C in Capability]: readonly (keyof Capabilities[C])[] } = {
  log: ["append", "read"],
  health: ["ping"],
  lifecycle: ["close", Symbol.asyncDispose],
  info: ["info"],
  catalogue: ["recent"],
  expiry: ["touch"],
};

/**
 * Whether the backend has a capability. Narrows the type of the backend accordingly.
 *
 * ```ts
 * if (supports(backend, "health")) await backend.ping();
 * ```
 */
export function supports<T extends object, C extends Capability>(
  backend: MemoryBackend<T>,
  capability: C,
): backend is MemoryBackend<T> & Capabilities<T>[C] {
  const methods: readonly PropertyKey[] = capabilityMethods[capability];
  return methods.every((method) => typeof Reflect.get(backend, method) === "function");
}
