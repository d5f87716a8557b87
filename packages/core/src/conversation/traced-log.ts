import type { LogCapability, MemoryBackend } from "../contract/backend.ts";
import { backendChannel } from "../contract/diagnostics.ts";
import { logOf } from "./memory-log.ts";
import { quietCause } from "../contract/memory-error.ts";

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
  let result: T;
  try {
    result = await call();
  } catch (error) {
    publish({ error: quietCause(error) });
    throw error;
  }
  publish({});
  return result;
}

/** What events and errors call a backend, by its class: `InMemoryBackend` is "in-memory". */
export function nameOf(backend: MemoryBackend): string {
  const name = backend.constructor?.name ?? "";
  const words = name.replace(/Backend$/, "").replace(/(?<=[a-z0-9])(?=[A-Z])/g, "-");
  return words.toLowerCase() || "backend";
}
