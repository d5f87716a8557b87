import { inspect } from "node:util";
import { MemoryError, type MemoryErrorCode, type Outcome } from "@deep-agent/core/adapter";

/** An error as JSON. */
export type CarriedError =
  | {
      readonly kind: "MemoryError";
      readonly code: MemoryErrorCode;
      readonly message: string;
      readonly outcome: Outcome;
      readonly retryable: boolean;
      readonly backend?: string | undefined;
      readonly memoryId?: string | undefined;
    }
  | { readonly kind: "other"; readonly name: string; readonly message: string };

export function carried(error: unknown): CarriedError {
  if (MemoryError.is(error)) {
    const { code, message, outcome, retryable, backend, memoryId } = error;
    return { kind: "MemoryError", code, message, outcome, retryable, backend, memoryId };
  }
  // `instanceof` would fail for an error of another realm.
  const { name, message } = (error ?? {}) as { name?: unknown; message?: unknown };
  if (typeof message !== "string") return { kind: "other", name: "Error", message: `${inspect(error)} was thrown` };
  return { kind: "other", name: String(name), message };
}

/** The error again, in the process that asked. */
export function arrived(error: CarriedError): Error {
  if (error.kind === "MemoryError") return new MemoryError(error.code, error.message, error);
  const copy = new Error(error.message);
  copy.name = error.name;
  return copy;
}
