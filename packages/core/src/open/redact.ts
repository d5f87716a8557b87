import { inspect } from "node:util";
import { MemoryError } from "../contract/memory-error.ts";
import type { BackendConfig } from "./backend-config.ts";

/** Keeps a config's passwords out of what others say of it. */
export interface Redactor {
  /** The text with `***` for every secret. */
  text(this: void, text: string): string;
  /** Whether an error is a `MemoryError` that holds no secret: it can be shown as it is. */
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

/** The longest first, so that one that holds another is replaced whole. */
function secretsOf(config: Readonly<BackendConfig>): string[] {
  const secrets = new Set<string>();
  collect("", config, secrets, new Set());
  return [...secrets].sort((a, b) => b.length - a.length);
}

/** Gathers what a value holds under the name of a secret, and what stands in an address, however deep. */
function collect(name: string, value: unknown, secrets: Set<string>, seen: Set<object>): void {
  if (typeof value === "string") {
    if (secretName.test(name) && value !== "") secrets.add(value);
    for (const secret of secretsOfAddress(value)) secrets.add(secret);
  } else if (typeof value === "object" && value !== null && !seen.has(value)) {
    seen.add(value);
    for (const [key, child] of Object.entries(value)) collect(Array.isArray(value) ? name : key, child, secrets, seen);
  }
}

/** The shortest piece of a password that is looked for on its own: a shorter one stands everywhere. */
const MIN_PIECE = 4;

/** Found in the text, not by parsing it: the addresses that cannot be parsed are the ones that get into error messages. */
function secretsOfAddress(address: string): string[] {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(address)) return [];
  const secrets: string[] = [];
  for (const [name, value] of new URLSearchParams(address.slice(address.indexOf("?") + 1))) {
    if (secretName.test(name)) secrets.push(value, encodeURIComponent(value));
  }
  const userInfo = userInfoOf(address);
  if (userInfo !== "") {
    const password = userInfo.slice(userInfo.indexOf(":") + 1);
    // Where a password has a slash, an @ or the like that should have been escaped, parsers take any part of it for the password.
    const pieces = password.split(/[/?#@:]/).filter((piece) => piece.length >= MIN_PIECE);
    for (const part of [userInfo, password, ...pieces]) secrets.push(part, decoded(part));
  }
  return secrets.filter((secret) => secret !== "");
}

function userInfoOf(address: string): string {
  // The path of a file may have an @ of its own.
  if (/^(file|memory):/i.test(address)) return /^[a-z]+:\/\/([^/]*)@/i.exec(address)?.[1] ?? "";
  const authority = address.slice(address.indexOf(":") + 1).replace(/^\/*/, "");
  return authority.slice(0, Math.max(0, authority.lastIndexOf("@")));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign: then nobody else can decode it either.
    return text;
  }
}
