import type { MemorySettings } from "../options/memory-settings.ts";

/** The key of a memory. */
export function keyOf(memoryId: string, { prefix }: MemorySettings): string {
  return prefix + memoryId;
}

/**
 * The key of the index that `recent` reads: a sorted set of memory ids by the time of their last write, in µs since 1970.
 * Its first character is not the prefix's, so that no pattern `<prefix>*` ever takes it for a memory.
 */
export function indexKeyOf({ prefix }: MemorySettings): string {
  return `${prefix.startsWith("@") ? "#" : "@"}recent:${prefix}`;
}

/**
 * The keys of a script that writes a memory. Those of a cluster are at different servers: the index is written apart.
 */
export function writtenKeys(memoryId: string, settings: MemorySettings): string[] {
  const key = keyOf(memoryId, settings);
  return settings.index && !settings.isCluster ? [key, indexKeyOf(settings)] : [key];
}

/**
 * A pattern of SCAN that matches what begins with this text, and nothing else. Other signs than these mean something in
 * brackets alone.
 */
export function patternOf(beginning: string): string {
  return `${beginning.replace(/[\\*?[]/g, "\\$&")}*`;
}
