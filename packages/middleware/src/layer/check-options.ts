import { checkOptionNames, MemoryError, requiredMethods } from "@deep-agent/core/adapter";

/** `INVALID_CONFIG`. `what` is the function that was given something that makes no sense. */
export function invalidConfig(what: string, problem: string, hint?: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", `${what}: ${problem}.`, { hint });
}

/** Throws `INVALID_CONFIG` for a backend without the methods that all have, and for an option that does not exist. */
export function checkLayer(what: string, backend: unknown, options: object = {}, names: readonly string[] = []): void {
  const given = backend as Record<string, unknown> | null | undefined;
  if (requiredMethods.some((method) => typeof given?.[method] !== "function"))
    throw invalidConfig(what, "its first argument is no backend", "Give it a backend, or one in another layer.");
  checkOptionNames(what, options, names);
}

/** Throws `INVALID_CONFIG` unless the value is a whole number from `least` on. */
export function checkWhole(what: string, name: string, value: unknown, least: number): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= least) return;
  throw invalidConfig(what, `\`${name}\` must be a whole number from ${least} on`);
}

/** The longest time that a timer takes, in ms: some 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Throws `INVALID_CONFIG` unless the value is a time in whole ms that a timer takes. */
export function checkTime(what: string, name: string, value: unknown): asserts value is number {
  checkWhole(what, name, value, 1);
  if (value > MAX_TIMER_MS) throw invalidConfig(what, `\`${name}\` must be at most ${MAX_TIMER_MS} ms`);
}
