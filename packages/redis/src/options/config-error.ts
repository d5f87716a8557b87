import { MemoryError } from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";

/** The error for an invalid option. The caller must not put a password into the message. */
export function invalidConfig(message: string, hint?: string): MemoryError {
  return new MemoryError("INVALID_CONFIG", message, { backend: BACKEND, hint });
}
