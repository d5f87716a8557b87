import { checkLayer, invalidConfig } from "../layer/check-options.ts";
import type { AnyBackend, SameCapabilities } from "../layer/layer.ts";
import { renamed } from "./renamed.ts";

/** What a prefix may take at most, in bytes of UTF-8: the names in the store must tell ids apart after it. */
const MAX_PREFIX_BYTES = 256;

/**
 * A part of a store: memories whose names there begin with `prefix` and a colon, and nothing else. Whatever an id is,
 * it stays in that part, and `list` and `recent` tell of no other memory.
 *
 * ```ts
 * const acme = withPrefix(backend, "acme"); // "alice" is "acme:alice" in the store
 * ```
 *
 * The prefix has no colon itself, so that no part lies in another one by chance; put one layer into another to have
 * parts of parts. Throws `INVALID_CONFIG`.
 */
export function withPrefix<B extends AnyBackend>(backend: B, prefix: string): SameCapabilities<B> {
  checkLayer("withPrefix", backend);
  if (typeof prefix !== "string" || prefix === "" || !prefix.isWellFormed() || prefix.includes(":"))
    throw invalidConfig("withPrefix", "the prefix must be a text without a colon, and not empty");
  if (Buffer.byteLength(prefix) > MAX_PREFIX_BYTES)
    throw invalidConfig("withPrefix", `the prefix is longer than ${MAX_PREFIX_BYTES} bytes`);
  const beginning = `${prefix}:`;
  return renamed(backend, {
    nameOf: (memoryId) => beginning + memoryId,
    idOf: (name) => (name.startsWith(beginning) ? name.slice(beginning.length) || undefined : undefined),
    beginningOf: (idPrefix) => beginning + idPrefix,
  });
}
