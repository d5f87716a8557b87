import { checkLayer, invalidConfig } from "../layer/check-options.ts";
import type { AnyBackend, SameCapabilities } from "../layer/layer.ts";
import { renamed } from "./renamed.ts";

/** The longest prefix, in bytes of UTF-8. The rest of a name must be long enough to tell ids apart. */
const MAX_PREFIX_BYTES = 256;

/**
 * A part of a store: the memories whose names there begin with `prefix` and a colon. Whatever id is used, it stays in
 * that part, and `list` and `recent` return no other memory.
 *
 * ```ts
 * const acme = withPrefix(backend, "acme"); // "alice" is "acme:alice" in the store
 * ```
 *
 * The prefix itself has at most 256 bytes and no colon, so that no part lies in another one by accident. To make parts
 * of a part, put one layer into another. Throws `INVALID_CONFIG`.
 */
export function withPrefix<B extends AnyBackend>(backend: B, prefix: string): SameCapabilities<B> {
  checkLayer("withPrefix", backend);
  if (typeof prefix !== "string" || prefix === "" || !prefix.isWellFormed() || prefix.includes(":"))
    throw invalidConfig("withPrefix", "the prefix must be a non-empty string without a colon");
  if (Buffer.byteLength(prefix) > MAX_PREFIX_BYTES)
    throw invalidConfig("withPrefix", `the prefix is longer than ${MAX_PREFIX_BYTES} bytes`);
  const beginning = `${prefix}:`;
  return renamed(backend, {
    nameOf: (memoryId) => beginning + memoryId,
    idOf: (name) => (name.startsWith(beginning) ? name.slice(beginning.length) || undefined : undefined),
    beginningOf: (idPrefix) => beginning + idPrefix,
  });
}
