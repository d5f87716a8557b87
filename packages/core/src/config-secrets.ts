import { inspect } from "node:util";
import type { BackendConfig } from "./backend-config.ts";
import { MemoryError } from "./memory-error.ts";

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

const secretName = /pass|secret|token|credential|key$/i;

/** The longest first, so that one that holds another is replaced whole. */
function secretsOf(config: Readonly<BackendConfig>): string[] {
  const secrets = config.url === undefined ? [] : secretsOfUrl(config.url);
  for (const [name, value] of Object.entries(config)) {
    if (typeof value === "string" && value !== "" && secretName.test(name)) secrets.push(value);
  }
  return secrets.sort((a, b) => b.length - a.length);
}

/** Found in the text, not by parsing it: the addresses that cannot be parsed are the ones that get into error messages. */
function secretsOfUrl(url: string): string[] {
  const secrets: string[] = [];
  const authority = url.slice(url.indexOf(":") + 1).replace(/^\/*/, "");
  const userInfo = authority.slice(0, Math.max(0, authority.lastIndexOf("@")));
  const password = userInfo.slice(userInfo.indexOf(":") + 1);
  // Where a password has a slash, an @ or the like that should have been escaped, parsers take any part of it for the password.
  for (const part of [userInfo, password, ...password.split(/[/?#@:]/)]) secrets.push(part, decoded(part));
  for (const [name, value] of new URLSearchParams(url.slice(url.indexOf("?") + 1))) {
    if (secretName.test(name)) secrets.push(value, encodeURIComponent(value));
  }
  return secrets.filter((secret) => secret !== "");
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A stray percent sign: then nobody else can decode it either.
    return text;
  }
}
