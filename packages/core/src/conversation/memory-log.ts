import { KeyedQueue } from "../concurrency/keyed-queue.ts";
import type { AppendOptions, CallOptions, LogCapability, MemoryBackend, ReadOptions } from "../contract/backend.ts";
import { supports } from "../contract/capabilities.ts";
import { backendChannel } from "../contract/diagnostics.ts";
import { causeWithoutMessage } from "../contract/memory-error.ts";

/** What a conversation needs of its backend. */
export interface MemoryLog extends LogCapability {
  delete(memoryId: string, options?: CallOptions): Promise<void>;
}

/** The backend's own log, or one made of its four methods. Each call is published on `deep-agent:backend`. */
export function memoryLog(backend: MemoryBackend): MemoryLog {
  const log = supports(backend, "log") ? ownLog(backend) : emulatedLog(backend);
  const traced = <R>(method: string, memoryId: string, call: () => Promise<R>): Promise<R> =>
    publishing(nameOf(backend), method, memoryId, call);
  return {
    append: (memoryId, records, options) => traced("append", memoryId, () => log.append(memoryId, records, options)),
    read: (memoryId, options) => traced("read", memoryId, () => log.read(memoryId, options)),
    delete: (memoryId, options) => traced("delete", memoryId, () => log.delete(memoryId, options)),
  };
}

/** The name of a backend in events. */
export function nameOf({ name }: MemoryBackend): string {
  return typeof name === "string" && name !== "" ? name : "backend";
}

function ownLog(backend: MemoryBackend & LogCapability): MemoryLog {
  return {
    append: (memoryId, records, options) => backend.append(memoryId, records, options),
    read: (memoryId, options) => backend.read(memoryId, options),
    delete: (memoryId, options) => backend.delete(memoryId, options),
  };
}

/**
 * A log for a backend that has only the four methods: an append is a load and a save under a mutex per backend and id.
 * The mutex holds only in this process: two processes that append to one memory may lose each other's turns.
 */
function emulatedLog(backend: MemoryBackend): MemoryLog {
  const shared = sharedOf(backend);
  const { queue } = shared;
  return {
    append(memoryId, records, options: AppendOptions = {}) {
      // Enqueue first, then load the implementation, so that calls keep their order.
      const append = async (): Promise<string> => {
        const { appendBySave, warnOfLostTurns } = await import("../lazy-chunk.ts");
        // If nobody listens yet, a later append warns.
        if (!shared.hasWarned && backendChannel.hasSubscribers) {
          shared.hasWarned = true;
          warnOfLostTurns(nameOf(backend));
        }
        return appendBySave(backend, memoryId, records, options);
      };
      return queue.run(memoryId, append, options.signal);
    },
    async read(memoryId, options: ReadOptions = {}) {
      const { readByLoad } = await import("../lazy-chunk.ts");
      return readByLoad(backend, memoryId, options);
    },
    // A save would undo a delete between load and save, so the delete waits.
    delete(memoryId, { signal }: CallOptions = {}) {
      return queue.run(memoryId, () => backend.delete(memoryId, { signal }), signal);
    },
  };
}

/** What all copies of this package in the process share of a backend: an ESM and a CommonJS copy may both be loaded. */
interface Shared {
  /** One mutex for each memory. */
  readonly queue: KeyedQueue;
  /** Whether it was said that several processes may lose turns. */
  hasWarned: boolean;
}

const sharedKey = Symbol.for("deep-agent.emulated-logs");

function sharedOf(backend: MemoryBackend): Shared {
  const global = globalThis as { [sharedKey]?: WeakMap<MemoryBackend, Shared> };
  global[sharedKey] ??= new WeakMap();
  const shared = global[sharedKey].get(backend) ?? { queue: new KeyedQueue(), hasWarned: false };
  global[sharedKey].set(backend, shared);
  return shared;
}

/** Settles as `call` does, and publishes the outcome. */
async function publishing<R>(backend: string, method: string, memoryId: string, call: () => Promise<R>): Promise<R> {
  if (!backendChannel.hasSubscribers) return call();
  const started = performance.now();
  const publish = (failure: { error?: unknown }): void =>
    backendChannel.publish({ type: "call", backend, method, memoryId, ms: performance.now() - started, ...failure });
  let result: R;
  try {
    result = await call();
  } catch (error) {
    publish({ error: causeWithoutMessage(error) });
    throw error;
  }
  publish({});
  return result;
}
