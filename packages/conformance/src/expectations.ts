import assert from "node:assert/strict";
import { inspect } from "node:util";
import { MemoryError, type MemoryErrorCode } from "@deep-agent/core/adapter";

/*
 * Assertions that say in one line what was wrong, however large the values are. Values are compared as JSON: their
 * contents matter, but not the realm of their objects. Test runners have realms of their own.
 */

/** Fails the test: the promise is broken. */
export function broken(message: string): never {
  throw new assert.AssertionError({ message, stackStartFn: broken });
}

export function ok(condition: unknown, message: string): asserts condition {
  if (!condition) broken(message);
}

/** Fails unless the values are equal as JSON. The message names the first place where they differ. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const difference = firstDifference(actual, expected, "");
  if (difference !== undefined) broken(`${what}${difference}`);
}

/** Fails unless the lists have the same members, in any order. */
export function sameMembers(actual: readonly string[], expected: readonly string[], what: string): void {
  ok(Array.isArray(actual), `${what} is not an array`);
  equal([...actual].sort(), [...expected].sort(), what);
}

/** Fails unless the call rejects with a `MemoryError` of that code, or of one of those codes. Returns the error. */
export async function rejects(
  call: () => Promise<unknown>,
  code: MemoryErrorCode | readonly MemoryErrorCode[],
  what: string,
): Promise<MemoryError> {
  const codes: readonly MemoryErrorCode[] = typeof code === "string" ? [code] : code;
  const error = await rejectionOf(call, what);
  ok(
    MemoryError.is(error),
    `${what} rejects with ${named(error)} instead of a MemoryError with the code ${codes.join(" or ")}`,
  );
  ok(codes.includes(error.code), `${what} rejects with ${error.code} instead of ${codes.join(" or ")}`);
  return error;
}

/** The call's rejection. Fails if the call throws instead of returning a promise, or does not reject. */
export async function rejectionOf(call: () => Promise<unknown>, what: string): Promise<unknown> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (error) {
    broken(`${what} throws ${named(error)} instead of returning a promise that rejects`);
  }
  ok(typeof (promise as { then?: unknown } | undefined)?.then === "function", `${what} does not return a promise`);
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    return error;
  }
  broken(`${what} does not reject, but returns ${shown(answer)}`);
}

/** The name and the message of an error, or a value that was thrown instead. */
export function named(error: unknown): string {
  // `instanceof` would fail for an error of another realm.
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  return typeof message === "string" ? `${name} (${message.slice(0, 200)})` : shown(error);
}

/** The length up to which a text is shown whole. Of a longer text, only the difference is shown. */
const SHOWN_TEXT = 60;

function firstDifference(actual: unknown, expected: unknown, path: string): string | undefined {
  const differs = (): string => {
    const isLong = typeof actual === "string" && typeof expected === "string" && expected.length > SHOWN_TEXT;
    return `${path}${isLong ? textDifference(actual, expected) : ` is ${shown(actual)} instead of ${shown(expected)}`}`;
  };
  if (typeof expected !== "object" || expected === null) return Object.is(actual, expected) ? undefined : differs();
  if (typeof actual !== "object" || actual === null || Array.isArray(actual) !== Array.isArray(expected))
    return differs();
  if (Array.isArray(expected)) {
    const list = actual as unknown[];
    for (let index = 0; index < Math.min(list.length, expected.length); index++) {
      const difference = firstDifference(list[index], expected[index], `${path}[${index}]`);
      if (difference !== undefined) return difference;
    }
    return list.length === expected.length
      ? undefined
      : `${path} has ${list.length} elements instead of ${expected.length}`;
  }
  if (!isPlain(actual)) return `${path} is not a plain object`;
  const fields = actual as Record<string, unknown>;
  const wanted = expected as Record<string, unknown>;
  const extra = Object.keys(fields).find((key) => !Object.hasOwn(wanted, key) && fields[key] !== undefined);
  if (extra !== undefined) return `${path} has ${JSON.stringify(extra)}, which was not stored`;
  for (const key of Object.keys(wanted)) {
    if (wanted[key] !== undefined && !Object.hasOwn(fields, key)) return `${path} lacks ${JSON.stringify(key)}`;
    const difference = firstDifference(fields[key], wanted[key], `${path}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function textDifference(actual: string, expected: string): string {
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at += 1;
  const lengths =
    actual.length === expected.length ? "" : ` (${actual.length} characters instead of ${expected.length})`;
  const part = (text: string): string => shown(text.slice(at, at + SHOWN_TEXT / 2));
  return ` differs at character ${at}: ${part(actual)} instead of ${part(expected)}${lengths}`;
}

/** Whether a literal, `JSON.parse` or `Object.create(null)` made it, in any realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function shown(value: unknown): string {
  return inspect(value, {
    breakLength: Number.POSITIVE_INFINITY,
    compact: true,
    depth: 3,
    maxArrayLength: 8,
    maxStringLength: 120,
  });
}
