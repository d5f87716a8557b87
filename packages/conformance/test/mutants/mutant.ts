import type { ConformanceTarget } from "../../src/index.ts";
import { type Full, instanceOn } from "./instance.ts";
import { promiseNamed } from "./promises.ts";
import { advance, newStore, residueOf, type Store } from "./store.ts";

/** A backend that breaks one promise. */
export interface Mutant {
  /** What the mutant does, as the end of "a backend that …". */
  readonly name: string;
  /** The promise that the kit must find broken. */
  readonly promise: string;
  readonly target: ConformanceTarget;
}

/** The methods that replace correct ones; `undefined` removes a method. */
export type Changes = { [M in keyof Full]?: Full[M] | undefined };

/** Makes the changes of one instance. Each instance has its own variables. */
export type Mutation = (honest: Full, store: Store) => Changes;

/** The mutants that break one promise. Throws if the kit does not have that promise. */
export function breaking(promise: string, mutations: Readonly<Record<string, Mutation | ConformanceTarget>>): Mutant[] {
  return Object.entries(mutations).map(([name, mutation]) => ({
    name,
    promise: promiseNamed(promise),
    target: typeof mutation === "function" ? targetOf(name, mutation) : mutation,
  }));
}

/** The backend with these changes, in a target with every member except `lose`, `elsewhere` and `maxRecordBytes`. */
export function targetOf(
  name: string,
  mutation: Mutation = () => ({}),
): Required<Omit<ConformanceTarget, "lose" | "elsewhere" | "maxRecordBytes">> {
  const stores = new WeakMap<object, Store>();
  const open = (store: Store): Full => {
    const honest = instanceOn(store);
    // The type still has the methods that were removed: the kit must notice that they are missing.
    const backend = { ...honest, ...mutation(honest, store) } as Full;
    stores.set(backend, store);
    return backend;
  };
  const storeOf = (backend: object): Store => stores.get(backend) as Store; // it comes from `open`
  return {
    name,
    open: () => open(newStore()),
    reopen: (backend) => open(storeOf(backend)),
    concurrentOpen: true,
    close: (backend) => storeOf(backend).memories.close(),
    residue: (backend) => residueOf(storeOf(backend)),
    ttl: { open: (ttlMs) => open(newStore(ttlMs)), advance },
  };
}
