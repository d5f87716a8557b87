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

/** What a backend may be able to do beyond the four methods, by name. */
export interface Capabilities<T extends object = Message> {
  log: LogCapability<T>;
  health: HealthCapability;
  lifecycle: LifecycleCapability;
  info: InfoCapability;
  catalogue: CatalogueCapability;
  expiry: ExpiryCapability;
}

/** The methods that every backend has. */
export const requiredMethods: readonly (keyof MemoryBackend)[] = ["load", "save", "delete", "list"];

export type Capability = keyof Capabilities;

/** The methods whose presence declares each capability. */
export const capabilityMethods: { readonly [C in Capability]: readonly (keyof Capabilities[C])[] } = {
  log: ["append", "read"],
  health: ["ping"],
  lifecycle: ["close", Symbol.asyncDispose],
  info: ["info"],
  catalogue: ["recent"],
  expiry: ["touch"],
};

/**
 * Whether the backend has a capability; narrows its type to say so.
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
