import type {
  CatalogueCapability,
  ExpiryCapability,
  HealthCapability,
  InfoCapability,
  LifecycleCapability,
  LogCapability,
  MemoryBackend,
} from "@deep-agent/core/adapter";

/**
 * The methods that this version of the package knows. Each layer either has its own implementation of a method, or
 * passes the call on. Any other method of a backend is absent in a layer, in its type and at runtime, until it is
 * listed here. Otherwise an encryption would pass on, in clear text, the records of a method that the contract got
 * later.
 */
export type KnownMethod =
  | "load"
  | "save"
  | "delete"
  | "list"
  | "append"
  | "read"
  | "ping"
  | "close"
  | typeof Symbol.asyncDispose
  | "info"
  | "recent"
  | "touch";

/**
 * Any backend, for the type parameters of layers. It names no record type. If it did, TypeScript would infer that type
 * for a backend that is made in place: `withTimeout(new FileBackend("d"), 100)` would hold `object`, not `Message`.
 */
export interface AnyBackend {
  readonly name?: string | undefined;
  load(memoryId: string): Promise<object | null>;
  save(memoryId: string, records: never): Promise<void>;
  delete(memoryId: string): Promise<void>;
  list(): Promise<string[]>;
}

/** Any backend with `log`, for the same purpose. */
export interface AnyLogBackend extends AnyBackend {
  append(memoryId: string, records: never): Promise<string>;
  read(memoryId: string): Promise<object | null>;
}

/**
 * The type of a layer around a backend `B`. It has the four required methods, and those methods of `B`'s capabilities
 * that layers know. A capability that `B` lacks is absent here, too.
 */
export type SameCapabilities<B> = Pick<B, keyof B & (KnownMethod | "name")>;

/** A backend with all the methods that layers know. */
export type WholeBackend = Pick<
  MemoryBackend<object> &
    LogCapability<object> &
    HealthCapability &
    LifecycleCapability &
    InfoCapability &
    CatalogueCapability &
    ExpiryCapability,
  KnownMethod | "name"
>;

/**
 * Makes a layer around a backend. Calls of the methods in `passedOn` go straight to the backend; all other methods are
 * `own`. The compiler requires each known method in exactly one of the two. A method that the backend does not have is
 * left out, so a layer adds no capability.
 */
export function layered<B extends AnyBackend, M extends KnownMethod>(
  backend: B,
  passedOn: readonly M[],
  own: Pick<WholeBackend, Exclude<KnownMethod, M>>,
): SameCapabilities<B> {
  const layer: Partial<Record<PropertyKey, unknown>> = {};
  for (const method of [...passedOn, ...Reflect.ownKeys(own)]) {
    const theirs: unknown = Reflect.get(backend, method);
    if (typeof theirs === "function") layer[method] = Reflect.get(own, method) ?? theirs.bind(backend);
  }
  // Events and errors still name the store.
  if (backend.name !== undefined) layer["name"] = backend.name;
  return layer as SameCapabilities<B>; // made of exactly those methods
}

/**
 * The same backend, typed with all known methods. For a layer in which each method calls only the method of the same
 * name: if the backend lacks that method, the layer lacks it as well.
 */
export function whole(backend: AnyBackend): WholeBackend {
  return backend as WholeBackend; // safe under the condition above
}
