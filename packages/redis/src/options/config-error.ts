import { MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";

/** An option that makes no sense. No password is ever in the message. */
export function invalidConfig(message: string, hint?: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, { backend: BACKEND, hint });
}
