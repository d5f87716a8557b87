import { createHash, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { invalidConfig } from "../layer/check-options.ts";

const KEY_BYTES = 32;

/** A secret of 32 random bytes: the bytes themselves, or their base64 (`openssl rand -base64 32`). */
export type Secret = Uint8Array | string;

/**
 * The keys that seal records, by name. Each memory has its own key, derived from one of these (HKDF-SHA-256, RFC 5869).
 */
export class KeyRing {
  readonly current: string;
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** Throws `INVALID_CONFIG`. The error contains no key. */
  constructor(keys: unknown, current: unknown) {
    if (typeof keys !== "object" || keys === null || Object.keys(keys).length === 0)
      throw invalidConfig("withEncryption", "`keys` must be an object with at least one key", 'Write { "2026": key }.');
    this.#keys = new Map(Object.entries(keys).map(([id, secret]) => [id, secretKey(`the key ${quoted(id)}`, secret)]));
    if (typeof current !== "string" || !this.#keys.has(current))
      throw invalidConfig("withEncryption", "`current` must be the name of one of `keys`");
    this.current = current;
  }

  /** The key for the records of one memory. `undefined` if there is no key of this name. */
  keyFor(keyId: string, memoryId: string): KeyObject | undefined {
    const key = this.#keys.get(keyId);
    // Hashed, because HKDF fills a short salt with zeros: ids that differ only by NULs at the end would share a key.
    return key && derived(key, createHash("sha256").update(memoryId).digest(), "deep-agent records");
  }
}

/** Throws `INVALID_CONFIG`. */
export function secretKey(what: string, secret: unknown): KeyObject {
  const bytes = typeof secret === "string" ? Buffer.from(secret, "base64") : secret;
  if (!(bytes instanceof Uint8Array) || bytes.length !== KEY_BYTES)
    throw invalidConfig(
      "withEncryption",
      `${what} is not ${KEY_BYTES} bytes long`,
      "Make one with `openssl rand -base64 32`.",
    );
  return createSecretKey(bytes);
}

/** Derives a key of 32 bytes for one purpose. `salt`: always of the same length for one purpose. */
export function derived(key: KeyObject, salt: Uint8Array, purpose: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", key, salt, purpose, KEY_BYTES)));
}

function quoted(keyId: string): string {
  return JSON.stringify(keyId.slice(0, 80));
}
