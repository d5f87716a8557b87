import { ok } from "./expectations.ts";

/** What a test passes to a backend, with a note of what it was like, so that a change to it is seen. */
export class Imprint {
  readonly #parts: { path: string; object: object; was: Description }[] = [];

  /** `what` names the values in the message of a broken promise. */
  constructor(what: string, value: object) {
    this.#note(what, value);
  }

  /** Fails if any object in the value was changed, or was frozen, since it was noted. */
  expectUnchanged(after: string): void {
    for (const { path, object, was } of this.#parts) {
      const is = describe(object);
      ok(is.isExtensible === was.isExtensible, `${path} was frozen or sealed by ${after}`);
      ok(is.prototype === was.prototype, `${path} has another prototype after ${after}`);
      ok(
        is.keys.length === was.keys.length && is.keys.every((key, index) => key === was.keys[index]),
        `${path} has the keys ${names(is.keys)} instead of ${names(was.keys)} after ${after}`,
      );
      for (const [index, key] of was.keys.entries()) {
        ok(Object.is(is.values[index], was.values[index]), `${path}.${String(key)} was changed by ${after}`);
      }
    }
  }

  #note(path: string, value: unknown): void {
    // A signal changes by itself: Node keeps its listeners in it.
    if (typeof value !== "object" || value === null || value instanceof AbortSignal) return;
    const was = describe(value);
    this.#parts.push({ path, object: value, was });
    for (const [index, key] of was.keys.entries()) this.#note(`${path}.${String(key)}`, was.values[index]);
  }
}

interface Description {
  prototype: unknown;
  isExtensible: boolean;
  keys: readonly PropertyKey[];
  values: readonly unknown[];
}

function describe(object: object): Description {
  const keys = Reflect.ownKeys(object);
  return {
    prototype: Object.getPrototypeOf(object),
    isExtensible: Object.isExtensible(object),
    keys,
    values: keys.map((key) => Reflect.get(object, key)),
  };
}

function names(keys: readonly PropertyKey[]): string {
  return keys.slice(0, 8).map(String).join(", ") || "(no key)";
}

/** Freezes a value and everything in it, signals excepted. Returns the value. */
export function deeplyFrozen<V>(value: V): V {
  if (typeof value !== "object" || value === null || value instanceof AbortSignal) return value;
  for (const key of Reflect.ownKeys(value)) deeplyFrozen(Reflect.get(value, key));
  return Object.freeze(value);
}
