import type { MemorySettings } from "../options/memory-settings.ts";

/** The Redis key of a memory. */
export function keyOf(memoryId: string, { prefix }: MemorySettings): string {
  return prefix + memoryId;
}

/**
 * The key of the index that `recent` reads: a sorted set of memory ids by the time of their last write, in µs since
 * 1970. It does not begin with the prefix's first character, so that no pattern `<prefix>*` mistakes it for a memory.
 */
export function indexKeyOf({ prefix }: MemorySettings): string {
  return `${prefix.startsWith("@") ? "#" : "@"}recent:${prefix}`;
}

/**
 * The keys of a script that writes a memory. On a cluster, memory and index may be on different servers, so the index
 * is written by a script of its own.
 */
export function writtenKeys(memoryId: string, settings: MemorySettings): string[] {
  const key = keyOf(memoryId, settings);
  const index = writtenIndex(settings);
  return index === undefined ? [key] : [key, index];
}

/** The key of the index if the scripts that write memories write it as well. */
export function writtenIndex(settings: MemorySettings): string | undefined {
  return settings.index && !settings.isCluster ? indexKeyOf(settings) : undefined;
}

/**
 * A SCAN pattern that matches the keys that begin with this text. Further special characters have a meaning inside
 * brackets only, so they need no escape. Half a character at the end has no bytes, so the pattern then matches all keys
 * that begin with the text before it.
 */
export function patternOf(beginning: string): string {
  const whole = beginning.replace(/[\ud800-\udbff]$/, "");
  return `${whole.replace(/[\\*?[]/g, "\\$&")}*`;
}
