import { MemoryError } from "../contract/memory-error.ts";

/**
 * Throws `INVALID_CONFIG` unless `options` is an object whose properties are all among `names`: a misspelt option
 * would have no effect otherwise, and no error would say so. `what`: the class or function that takes the options.
 * `backend`: the backend's `name`; default: none is named.
 */
export function checkOptionNames(
  what: string,
  options: unknown,
  names: Iterable<string>,
  backend?: string | undefined,
): asserts options is object {
  const known = [...names];
  const hint = known.length === 0 ? "It takes no options." : `Its options are ${known.join(", ")}.`;
  if (typeof options !== "object" || options === null) {
    throw new MemoryError("INVALID_CONFIG", `The options of ${what} must be an object.`, { backend, hint });
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new MemoryError("INVALID_CONFIG", `${what} has no option ${JSON.stringify(unknown)}.`, { backend, hint });
}
