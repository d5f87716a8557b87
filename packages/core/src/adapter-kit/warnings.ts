import { backendChannel } from "../contract/diagnostics.ts";

/** Publishes a warning about a memory, or about all of them. `detail` holds no secret and no text that was said. */
export type Warn = (detail: string, memoryId?: string | undefined) => void;

/** Warnings of one backend on `deep-agent:backend`. `backend` is its `name`. */
export function warnOf(backend: string): Warn {
  return (detail, memoryId) =>
    backendChannel.publish({ type: "warning", backend, detail, ...(memoryId !== undefined && { memoryId }) });
}
