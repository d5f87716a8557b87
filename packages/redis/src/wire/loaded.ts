import { cleanCause, MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";

/** A part of this package that is imported only when it is needed. Rejects with `INVALID_CONFIG` if it is not there. */
export async function loaded<M>(part: Promise<M>): Promise<M> {
  try {
    return await part;
  } catch (error) {
    throw new MemoryError(
      "INVALID_CONFIG",
      "A part of @deep-agent/redis, or the package @redis/client, could not be loaded.",
      {
        backend: BACKEND,
        hint: "Install @deep-agent/redis again, and restart the program: the package may have been replaced meanwhile.",
        cause: cleanCause(error),
      },
    );
  }
}
