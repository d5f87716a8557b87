import { invalidConfig } from "./config-error.ts";

/** Returns a string or `undefined`. Throws `INVALID_CONFIG` for anything else. */
export function checkText(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw invalidConfig(`\`${name}\` must be a string.`);
}

/** Returns an integer in the range or `undefined`. Throws `INVALID_CONFIG` for anything else. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value);
  throw invalidConfig(`\`${name}\` must be an integer from ${least} to ${most}.`);
}
