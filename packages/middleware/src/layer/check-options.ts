import { checkOptionNames, MemoryError, requiredMethods } from "@deep-agent/core/adapter";

/** An `INVALID_CONFIG` error. `what` is the function that was given the invalid value. */
export function invalidConfig(what: string, problem: string, hint?: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", `${what}: ${problem}.`, { hint });
}

/** Throws `INVALID_CONFIG` if the first argument is not a backend, or if an option does not exist. */
export function checkLayer(what: string, backend: unknown, options: object = {}, names: readonly string[] = []): void {
  checkBackend(what, "first", backend);
  checkOptionNames(what, options, names);
}

/** Throws `INVALID_CONFIG` unless the argument has the methods that every backend has. */
export function checkBackend(what: string, position: "first" | "second", backend: unknown): void {
  const given = backend as Record<string, unknown> | null | undefined;
  if (requiredMethods.some((method) => typeof given?.[method] !== "function"))
    throw invalidConfig(what, `its ${position} argument is not a backend`, "Pass a backend, or a layer around one.");
}

/** Throws `INVALID_CONFIG` unless the value is an integer and at least `least`. */
export function checkWhole(what: string, name: string, value: unknown, least: number): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw invalidConfig(what, `\`${name}\` must be an integer of at least ${least}`);
}

/** The longest delay that a timer can have, in ms: about 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Throws `INVALID_CONFIG` unless the value is an integer number of ms that a timer can wait. */
export function checkTime(what: string, name: string, value: unknown): asserts value is number {
  checkWhole(what, name, value, 1);
  if (value > MAX_TIMER_MS) throw invalidConfig(what, `\`${name}\` must be at most ${MAX_TIMER_MS} ms`);
}
