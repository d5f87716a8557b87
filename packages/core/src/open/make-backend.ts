import type { MemoryBackend } from "../contract/backend.ts";
import { requiredMethods } from "../contract/capabilities.ts";
import { cleanCause, MemoryError } from "../contract/memory-error.ts";
import { type BackendConfig, fullConfig } from "./backend-config.ts";
import { loadAdapter } from "./load-adapter.ts";
import type { OpenBackendOptions } from "./open-backend.ts";
import { redactorOf } from "./redact.ts";

/** Makes the backend that a config describes. */
export async function makeBackend<T extends object>(
  config: string | BackendConfig,
  options: OpenBackendOptions,
): Promise<MemoryBackend<T>> {
  const full = fullConfig(config);
  const redact = redactorOf(full);
  const fromConfig = await loadAdapter(full.adapter, options.load);
  let backend: unknown;
  try {
    backend = await fromConfig(full);
  } catch (error) {
    if (redact.isClean(error)) throw error;
    // `cleanCause` passes a `MemoryError` through unchanged, so one with a secret is wrapped in a plain error first.
    const foreign = MemoryError.is(error) ? new Error(error.message) : error;
    throw refused(full.adapter, cleanCause(foreign, redact.text));
  }
  checkBackend<T>(backend, full.adapter);
  return backend;
}

function checkBackend<T extends object>(backend: unknown, adapter: string): asserts backend is MemoryBackend<T> {
  const missing = requiredMethods.filter(
    (method) => typeof (backend as Partial<MemoryBackend> | null | undefined)?.[method] !== "function",
  );
  if (missing.length === 0) return;
  throw new MemoryError(
    "INVALID_CONFIG",
    `\`fromConfig\` of adapter ${JSON.stringify(adapter)} did not return a backend.`,
    {
      hint: `It lacks ${missing.map((method) => `\`${method}\``).join(", ")}.`,
    },
  );
}

function refused(adapter: string, cause: Error): MemoryError {
  return new MemoryError(
    "INVALID_CONFIG",
    `Adapter ${JSON.stringify(adapter)} could not make a backend from its config.`,
    {
      hint: "See the cause, and the adapter's documentation for its options.",
      cause,
    },
  );
}
