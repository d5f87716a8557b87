import { conformance } from "../../src/index.ts";
import { newStore } from "./store.ts";

/** The promises of the kit, as it declares them to a test runner. */
export const promises: readonly string[] = declared();

/** The promise with this text. Throws if the kit does not have it: mutants can only break promises of the kit. */
export function promiseNamed(name: string): string {
  if (promises.includes(name)) return name;
  throw new Error(`The kit has no promise "${name}". It has:\n${promises.join("\n")}`);
}

function declared(): string[] {
  const path: string[] = [];
  const found = new Set<string>();
  const describe = (name: string, body: () => void): void => {
    path.push(name);
    body();
    path.pop();
  };
  const it = (): void => void found.add(path.at(-1) ?? "");
  conformance({ describe, it: Object.assign(it, { skip: it }) }, { name: "none", open: () => newStore().memories });
  return [...found];
}
