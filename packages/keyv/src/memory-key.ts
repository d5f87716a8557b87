import { createHash } from "node:crypto";

/** What the keys of memories begin with, so that a Keyv can hold other things, too. */
const PREFIX = "deep-agent.";

/**
 * What no store folds, forbids or cuts off, and Keyv's sanitizing leaves alone: lower-case words with a mark between two of them.
 * A colon would be taken for the end of a namespace.
 */
const plainId = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const hash = /^=[0-9a-f]{64}$/;

/** Stores take keys of 250 bytes or so, the namespace included. */
const MAX_PLAIN_ID = 100;

/** The key of a memory: its id where that is plain, otherwise a hash of it. The equals sign keeps the two apart. */
export function keyOf(memoryId: string): string {
  if (memoryId.length <= MAX_PLAIN_ID && plainId.test(memoryId)) return PREFIX + memoryId;
  return `${PREFIX}=${createHash("sha256").update(memoryId).digest("hex")}`;
}

/** Whether a key is one of ours. */
export function isMemoryKey(key: string): boolean {
  if (!key.startsWith(PREFIX)) return false;
  const name = key.slice(PREFIX.length);
  return plainId.test(name) || hash.test(name);
}
