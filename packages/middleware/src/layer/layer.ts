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
 * The methods that this version of the package knows. Each layer decides on each of them: it has its own, or passes the
 * call on. Any other method of a backend is absent in a layer, in its type and at runtime, until it is listed here:
 * otherwise an encryption would pass on, in clear text, what came into the contract after it.
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
 * Any backend, for the type parameters of layers. No record type is named here: TypeScript would infer it for a backend
 * that is made in place, and `withTimeout(new FileBackend("d"), 100)` would hold `object`, not `Message`.
 */
export interface AnyBackend {
  readonly name?: string | undefined;
  load(memoryId: string): Promise<object | null>;
  save(memoryId: string, records: never): Promise<void>;
  delete(memoryId: string): Promise<void>;
  list(): Promise<string[]>;
}

/** Any backend with `log`, likewise. */
export interface AnyLogBackend extends AnyBackend {
  append(memoryId: string, records: never): Promise<string>;
  read(memoryId: string): Promise<object | null>;
}

/** A backend in a layer: of what `B` has, the four methods and those of the capabilities that layers know. */
export type SameCapabilities<B> = Pick<B, keyof B & (KnownMethod | "name")>;

/** A backend that has all methods that layers know. */
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
 * A backend in front of another one, the store. Methods of `passedOn` are the store's, all others are `own`; the compiler
 * wants each known method in one of the two. Methods that the store does not have are left out, so that a layer adds no
 * capability.
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
  // Events and errors go on to name the store.
  if (backend.name !== undefined) layer["name"] = backend.name;
  return layer as SameCapabilities<B>; // it was made of just its methods
}

/**
 * The same backend with all known methods in its type. For a layer that calls, from each of its methods, the method of the
 * same name: if the backend lacks that method, the layer does, too.
 */
export function whole(backend: AnyBackend): WholeBackend {
  return backend as WholeBackend; // as said above
}
