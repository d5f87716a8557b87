import { invalidConfig } from "./config-error.ts";

/** The text, or `undefined` if none is given. Throws `INVALID_CONFIG`. */
export function checkText(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw invalidConfig(`\`${name}\` must be text.`);
}

/** The integer, or `undefined` if none is given. Throws `INVALID_CONFIG`. */
export function checkInteger(name: string, value: unknown, least: number, most: number): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) return Number(value);
  throw invalidConfig(`\`${name}\` must be an integer from ${least} to ${most}.`);
}
