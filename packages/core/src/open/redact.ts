import { inspect } from "node:util";
import { MemoryError } from "../contract/memory-error.ts";
import type { BackendConfig } from "./backend-config.ts";

/** Keeps the passwords of a config out of errors. */
export interface Redactor {
  /** The text with `***` in place of every secret. */
  text(this: void, text: string): string;
  /** Whether an error is a `MemoryError` that holds no secret, so that it can be shown unchanged. */
  isClean(this: void, error: unknown): boolean;
}

export function redactorOf(config: Readonly<BackendConfig>): Redactor {
  const secrets = secretsOf(config);
  const text = (text: string): string => secrets.reduce((redacted, secret) => redacted.replaceAll(secret, "***"), text);
  return {
    text,
    isClean(error) {
      if (!MemoryError.is(error)) return false;
      const shown = inspect(error, { depth: 10, maxStringLength: null });
      return text(shown) === shown && text(error.message) === error.message;
    },
  };
}

const secretName = /pass|secret|token|credential|auth|key$/i;

/** The longest secret first, so that a secret that contains another is replaced whole. */
function secretsOf(config: Readonly<BackendConfig>): string[] {
  const secrets = new Set<string>();
  collect("", config, secrets, new Set());
  return [...secrets].sort((a, b) => b.length - a.length);
}

/** Collects the values that have the name of a secret, and the secrets in addresses, at any depth. */
function collect(name: string, value: unknown, secrets: Set<string>, seen: Set<object>): void {
  if (typeof value === "string") {
    if (secretName.test(name) && value !== "") secrets.add(value);
    for (const secret of secretsOfAddress(value)) secrets.add(secret);
  } else if (typeof value === "object" && value !== null && !seen.has(value)) {
    seen.add(value);
    for (const [key, child] of Object.entries(value)) collect(Array.isArray(value) ? name : key, child, secrets, seen);
  }
}

/** The minimum length of a piece of a password that is replaced on its own: shorter pieces occur everywhere. */
const MIN_PIECE = 4;

/** Searches the text instead of parsing it: the addresses that cannot be parsed are the ones that errors quote. */
function secretsOfAddress(address: string): string[] {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(address)) return [];
  const secrets: string[] = [];
  for (const [name, value] of new URLSearchParams(address.slice(address.indexOf("?") + 1))) {
    if (secretName.test(name)) secrets.push(value, encodeURIComponent(value));
  }
  const userInfo = userInfoOf(address);
  if (userInfo !== "") {
    const password = userInfo.slice(userInfo.indexOf(":") + 1);
    // If a password has a slash, an @ or the like that should have been escaped, a parser may take any part of it for
    // the password.
    const pieces = password.split(/[/?#@:]/).filter((piece) => piece.length >= MIN_PIECE);
    for (const part of [userInfo, password, ...pieces]) secrets.push(part, decoded(part));
  }
  return secrets.filter((secret) => secret !== "");
}

function userInfoOf(address: string): string {
  // The path of a file may contain an @.
  if (/^(file|memory):/i.test(address)) return /^[a-z]+:\/\/([^/]*)@/i.exec(address)?.[1] ?? "";
  const authority = address.slice(address.indexOf(":") + 1).replace(/^\/*/, "");
  return authority.slice(0, Math.max(0, authority.lastIndexOf("@")));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign: no parser can decode it either.
    return text;
  }
}
