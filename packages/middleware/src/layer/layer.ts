import {
  type CatalogueCapability,
  capabilityMethods,
  type ExpiryCapability,
  type HealthCapability,
  type InfoCapability,
  type LifecycleCapability,
  type LogCapability,
  type MemoryBackend,
} from "@deep-agent/core/adapter";

/** A backend of whatever records. */
export type AnyBackend = MemoryBackend<object>;

/** A backend that can keep turns for another one, or have them kept. */
export type LogBackend = MemoryBackend<object> & LogCapability<object>;

/** All methods that a backend can have. */
export type WholeBackend<T extends object = object> = MemoryBackend<T> &
  LogCapability<T> &
  HealthCapability &
  LifecycleCapability &
  InfoCapability &
  CatalogueCapability &
  ExpiryCapability;

/** A backend, as far as the contract goes: the four methods, and those of the capabilities that it has. */
export type SameCapabilities<B extends AnyBackend> = Pick<B, keyof B & keyof WholeBackend>;

const methods: readonly PropertyKey[] = ["load", "save", "delete", "list", ...Object.values(capabilityMethods).flat()];

/**
 * A backend in front of another one. It has the methods that the other one has, and passes on every call but those of `own`; what
 * `own` has beyond them is left out, so that a layer adds no capability.
 */
export function layered<B extends AnyBackend>(backend: B, own: Partial<WholeBackend>): SameCapabilities<B> {
  const layer: Partial<Record<PropertyKey, unknown>> = {};
  for (const method of methods) {
    const theirs: unknown = Reflect.get(backend, method);
    if (typeof theirs !== "function") continue;
    layer[method] = Reflect.get(own, method) ?? theirs.bind(backend);
  }
  // Events and errors go on to name the store.
  if (backend.name !== undefined) layer["name"] = backend.name;
  return layer as SameCapabilities<B>; // it was made of just its methods
}

/**
 * The same backend with all methods in its type, for a layer that calls from each method the one of that name: it is there, or the layer
 * would have none.
 */
export function whole<T extends object>(backend: MemoryBackend<T>): WholeBackend<T> {
  return backend as WholeBackend<T>; // as said above
}
