import type {
  AppendOptions,
  CallOptions,
  LogCapability,
  MemoryBackend,
  ReadOptions,
  Revision,
  Snapshot,
} from "../contract/backend.ts";
import { supports } from "../contract/capabilities.ts";
import { KeyedSerial } from "../concurrency/keyed-queue.ts";
import type { Message } from "../contract/message.ts";

/** The backend's own log, or one made of its four methods. */
export function logOf(backend: MemoryBackend): LogCapability {
  return supports(backend, "log") ? backend : new FallbackLog(backend);
}

/**
 * A log for a backend that has only the four methods: append is load + save under a mutex per (backend, id). The mutex is this process's own:
 * two processes that append to one memory may lose each other's turns.
 */
class FallbackLog implements LogCapability {
  readonly #backend: MemoryBackend;

  constructor(backend: MemoryBackend) {
    this.#backend = backend;
  }

  append(memoryId: string, records: readonly Message[], options: AppendOptions = {}): Promise<Revision> {
    // It has its place in the queue before the rest is loaded.
    const append = async (): Promise<Revision> => {
      const { appendBySave } = await import("../lazy-chunk.ts");
      return appendBySave(this.#backend, memoryId, records, options);
    };
    return queueOf(this.#backend).run(memoryId, append, options.signal);
  }

  async read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot | null> {
    const { readByLoad } = await import("../lazy-chunk.ts");
    return readByLoad(this.#backend, memoryId, options);
  }
}

/**
 * Deletes a memory. Without a log of its own, the backend's appends are load + save, and a delete in between would be undone: so
 * it waits for them.
 */
export function deleteMemory(backend: MemoryBackend, memoryId: string, { signal }: CallOptions): Promise<void> {
  const remove = (): Promise<void> => backend.delete(memoryId, { signal });
  return supports(backend, "log") ? remove() : queueOf(backend).run(memoryId, remove, signal);
}

type Queues = WeakMap<MemoryBackend, KeyedSerial>;

/** One mutex for all copies of this package in the process: an ESM and a CommonJS one may be loaded side by side. */
const queuesKey = Symbol.for("deep-agent.queues");

function queueOf(backend: MemoryBackend): KeyedSerial {
  const shared = globalThis as { [queuesKey]?: Queues };
  shared[queuesKey] ??= new WeakMap();
  const queue = shared[queuesKey].get(backend) ?? new KeyedSerial();
  shared[queuesKey].set(backend, queue);
  return queue;
}
