import { createHash } from "node:crypto";

/** What the keys of memories begin with, so that a Keyv can hold other data, too. */
const PREFIX = "deep-agent.";

/**
 * An id that no store changes, forbids or cuts off, and that Keyv's sanitizing leaves alone: lower-case words with a
 * single mark between two of them. A colon is not such a mark, because stores take it for the end of a namespace.
 */
const plainId = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const hash = /^=[0-9a-f]{64}$/;

/** Characters. Stores accept keys of about 250 bytes, including the namespace. */
const MAX_PLAIN_ID = 100;

/**
 * The key of a memory: its id if that is plain, otherwise a hash of it. The equals sign distinguishes a hash from an
 * id.
 */
export function keyOf(memoryId: string): string {
  if (memoryId.length <= MAX_PLAIN_ID && plainId.test(memoryId)) return PREFIX + memoryId;
  return `${PREFIX}=${createHash("sha256").update(memoryId).digest("hex")}`;
}

/** Whether {@link keyOf} could have made this key. */
export function isMemoryKey(key: string): boolean {
  if (!key.startsWith(PREFIX)) return false;
  const name = key.slice(PREFIX.length);
  return plainId.test(name) || hash.test(name);
}
