import { MemoryError } from "@deep-agent/core/adapter";

/** `what` is the function that was given something that makes no sense. */
export function invalidConfig(what: string, problem: string, hint?: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", `${what}: ${problem}.`, { hint });
}

/** Throws `INVALID_CONFIG` for what is no backend, and for an option that does not exist: misspelt, it would do nothing in silence. */
export function checkLayer(what: string, backend: unknown, options: object = {}, names: readonly string[] = []): void {
  const methods = ["load", "save", "delete", "list"];
  if (methods.some((method) => typeof (backend as Record<string, unknown> | null)?.[method] !== "function"))
    throw invalidConfig(what, "its first argument is no backend", "Give it a backend, or one in another layer.");
  checkNames(what, options, names);
}

/** Throws `INVALID_CONFIG` for an option that does not exist. */
export function checkNames(what: string, options: object, names: readonly string[]): void {
  if (typeof options !== "object" || options === null) throw invalidConfig(what, "its options are no object");
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined)
    throw invalidConfig(what, `it has no option ${JSON.stringify(unknown)}`, `It has ${names.join(", ")}.`);
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
