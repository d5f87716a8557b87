import { cleanCause, MemoryError } from "@deep-agent/core/adapter";

/** What events and errors call this backend. */
export const BACKEND = "redis";

export function invalidConfig(message: string, hint?: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, { backend: BACKEND, hint });
}

export function closed(): MemoryError {
  return new MemoryError("CLOSED", "This RedisBackend was closed.", { backend: BACKEND, hint: "Make a new one." });
}

export function noIndex(): MemoryError {
  return new MemoryError("NOT_SUPPORTED", "This RedisBackend keeps no index.", {
    backend: BACKEND,
    hint: "Set `index: true`, and a prefix that is not empty.",
  });
}

/** The rest of this package, which is loaded when it is needed. Rejects with `INVALID_CONFIG` where it is not there. */
export async function loaded<M>(part: Promise<M>): Promise<M> {
  try {
    return await part;
  } catch (error) {
    throw notLoaded(error);
  }
}

function notLoaded(cause: unknown): MemoryError {
  return new MemoryError(
    "INVALID_CONFIG",
    "A part of @deep-agent/redis, or the package @redis/client, could not be loaded.",
    {
      backend: BACKEND,
      hint: "Install @deep-agent/redis anew, and start the program again: it may have been replaced while this one ran.",
      cause: cleanCause(cause as Error),
    },
  );
}
