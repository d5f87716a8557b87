import { invalidCursor, type RecentOptions, type RecentPage } from "@deep-agent/core/adapter";
import { BACKEND } from "./in-memory-options.ts";
import type { Memory, MemoryCache } from "./memory-cache.ts";

/**
 * A page of the catalogue. The cursor is the write number of the last memory on the page before. So writes between two
 * pages neither repeat nor shift other memories. A memory that was written meanwhile belongs before the first page.
 */
export function recentPage<T extends object>(cache: MemoryCache<T>, options: RecentOptions): RecentPage {
  const { limit, cursor, prefix = "" } = options;
  const before = cursor === undefined ? Number.POSITIVE_INFINITY : writeNumberOf(cursor);
  const found: [string, Memory<T>][] = [];
  for (const entry of cache.entries()) {
    const [memoryId, { writeNumber }] = entry;
    if (writeNumber < before && memoryId.startsWith(prefix)) found.push(entry);
  }
  found.sort(([, a], [, b]) => b.writeNumber - a.writeNumber);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    memories: page.map(([memoryId, { updatedAt }]) => ({ memoryId, updatedAt })),
    cursor: last !== undefined && found.length > limit ? String(last[1].writeNumber) : null,
  };
}

function writeNumberOf(cursor: unknown): number {
  if (typeof cursor === "string" && /^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw invalidCursor(BACKEND);
}
