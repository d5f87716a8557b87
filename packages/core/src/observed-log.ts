import type { LogCapability, MemoryBackend } from "./backend.ts";
import { backendChannel } from "./diagnostics.ts";
import { logOf } from "./fallback-log.ts";

/** The backend's log, each call of which is published on `deep-agent:backend`. */
export function observedLog(backend: MemoryBackend): LogCapability {
  const log = logOf(backend);
  return {
    append: (memoryId, records, options) =>
      observed(backend, "append", memoryId, () => log.append(memoryId, records, options)),
    read: (memoryId, options) => observed(backend, "read", memoryId, () => log.read(memoryId, options)),
  };
}

/** Settles as `call` does, and publishes how that went. */
export async function observed<T>(
  backend: MemoryBackend,
  method: string,
  memoryId: string,
  call: () => Promise<T>,
): Promise<T> {
  if (!backendChannel.hasSubscribers) return call();
  const started = performance.now();
  const publish = (failure: { error?: unknown }): void =>
    backendChannel.publish({
      type: "call",
      backend: nameOf(backend),
      method,
      memoryId,
      ms: performance.now() - started,
      ...failure,
    });
  try {
    const result = await call();
    publish({});
    return result;
  } catch (error) {
    publish({ error });
    throw error;
  }
}

/** What events call a backend: the name of its class. */
export function nameOf(backend: MemoryBackend): string {
  return backend.constructor.name;
}
