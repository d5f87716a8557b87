import type { ConformanceTarget } from "../../src/index.ts";
import { type Full, instanceOn } from "./instance.ts";
import { promiseNamed } from "./promises.ts";
import { advance, newStore, residueOf, type Store } from "./store.ts";

/** A backend that breaks one promise. */
export interface Mutant {
  /** What it does, so that "a backend that …" is a sentence. */
  readonly name: string;
  /** What the kit must find broken. */
  readonly promise: string;
  readonly target: ConformanceTarget;
}

/** What takes the place of honest methods; `undefined`: nothing does. */
export type Changes = { [M in keyof Full]?: Full[M] | undefined };

/** Makes the changes of one instance: what they remember in a variable is that instance's own. */
export type Mutation = (honest: Full, store: Store) => Changes;

/** The mutants that break one promise. Throws where the kit does not make it. */
export function breaking(promise: string, mutations: Readonly<Record<string, Mutation | ConformanceTarget>>): Mutant[] {
  return Object.entries(mutations).map(([name, mutation]) => ({
    name,
    promise: promiseNamed(promise),
    target: typeof mutation === "function" ? targetOf(name, mutation) : mutation,
  }));
}

/** The backend with those changes, and all that the kit can be told of it. */
export function targetOf(name: string, mutation: Mutation = () => ({})): Required<Omit<ConformanceTarget, "lose">> {
  const stores = new WeakMap<object, Store>();
  const open = (store: Store): Full => {
    const honest = instanceOn(store);
    // A method that is taken away is there all the same for the compiler: to notice that is what the kit is for.
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
