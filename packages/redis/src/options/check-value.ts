import { invalidConfig } from "./config-error.ts";

/** Returns a string or `undefined`. Throws `INVALID_CONFIG` for anything else. */
export function checkText(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw invalidConfig(`\`${name}\` must be a string.`);
}

/** Returns one of the values or `undefined`. Throws `INVALID_CONFIG` for anything else. */
export function checkOneOf<V extends number>(name: string, value: unknown, values: readonly V[]): V | undefined {
  if (value === undefined) return undefined;
  const found = values.find((one) => one === value);
  if (found !== undefined) return found;
  throw invalidConfig(`\`${name}\` must be ${values.slice(0, -1).join(", ")} or ${values.at(-1)}.`);
}

/** Returns an integer in the range or `undefined`. Throws `INVALID_CONFIG` for anything else. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value);
  throw invalidConfig(`\`${name}\` must be an integer from ${least} to ${most}.`);
}
