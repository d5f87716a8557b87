import type { CallOptions, MemoryBackend } from "./backend.ts";
import { supports } from "./capabilities.ts";
import { KeyedSerial } from "./keyed-serial.ts";

type Queues = WeakMap<MemoryBackend, KeyedSerial>;

/** One mutex for all copies of this package in the process: an ESM and a CommonJS one may be loaded side by side. */
const queuesKey = Symbol.for("deep-agent.queues");

/** Where calls wait that must not meet, by memory: those to a backend without a log of its own. */
export function queueOf(backend: MemoryBackend): KeyedSerial {
  const shared = globalThis as { [queuesKey]?: Queues };
  shared[queuesKey] ??= new WeakMap();
  const queue = shared[queuesKey].get(backend) ?? new KeyedSerial();
  shared[queuesKey].set(backend, queue);
  return queue;
}

/**
 * Deletes a memory. Without a log of its own, the backend's appends are load + save, and a delete in between would be undone: so
 * it waits for them.
 */
export function deleteMemory(backend: MemoryBackend, memoryId: string, { signal }: CallOptions): Promise<void> {
  const remove = (): Promise<void> => backend.delete(memoryId, { signal });
  return supports(backend, "log") ? remove() : queueOf(backend).run(memoryId, remove, signal);
}
