import { dying, type Mutations, seeing, writing } from "../elsewhere/mutations.ts";
import { targetElsewhere } from "../elsewhere/target.ts";
import { breaking, type Mutant } from "../mutant.ts";

/** Backends whose processes do not see, or lose, what another process has written. */
export const elsewhere: Mutant[] = [
  ...breaking("another process sees every change at its next call", targets(seeing)),
  ...breaking("two processes write the same memory at the same time, and nothing is lost", targets(writing)),
  ...breaking("a process that is killed while it writes harms no memory", targets(dying)),
];

function targets(mutations: Mutations): Record<string, ReturnType<typeof targetElsewhere>> {
  return Object.fromEntries(Object.keys(mutations).map((name) => [name, targetElsewhere(name, name)]));
}
