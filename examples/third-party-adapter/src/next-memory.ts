import { newId } from "@deep-agent/core/adapter";
import type { Memory } from "./memory-table.ts";

/** The memory after an append of one entry. `memory` is `undefined` if it did not exist. */
export function grown(memory: Memory | undefined, texts: readonly string[]): Memory {
  const now = Date.now();
  const before = memory ?? {
    epoch: newId(),
    position: 0,
    records: 0,
    bytes: 0,
    createdAt: now,
    saves: [],
    kept: [],
    saved: 0,
  };
  return {
    ...before,
    position: before.position + 1,
    mark: newId(),
    records: before.records + texts.length,
    bytes: before.bytes + bytesOf(texts),
    updatedAt: now,
  };
}

/**
 * The memory after a save, which begins another log: earlier revisions no longer hold. `kept`: the operation ids of
 * appends that stay known.
 */
export function replaced(
  memory: Memory | undefined,
  texts: readonly string[],
  operationId: string | undefined,
  kept: readonly string[],
): Memory {
  const now = Date.now();
  return {
    epoch: newId(),
    position: texts.length,
    // One mark for all entries: the entries of a save are stored together or not at all.
    mark: texts.length === 0 ? "" : newId(),
    records: texts.length,
    bytes: bytesOf(texts),
    createdAt: memory?.createdAt ?? now,
    updatedAt: now,
    saves: [...(memory?.saves ?? []), ...(operationId === undefined ? [] : [operationId])],
    kept,
    saved: texts.length,
  };
}

function bytesOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
