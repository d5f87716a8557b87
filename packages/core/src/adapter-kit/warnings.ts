import { backendChannel } from "../contract/diagnostics.ts";

/** Publishes a warning about one memory, or without an id about all. `detail` holds no secret and no message text. */
export type Warn = (detail: string, memoryId?: string | undefined) => void;

/** A function that publishes warnings of one backend on `deep-agent:backend`. `backend`: the backend's `name`. */
export function warnOf(backend: string): Warn {
  return (detail, memoryId) =>
    backendChannel.publish({ type: "warning", backend, detail, ...(memoryId !== undefined && { memoryId }) });
}
