import { MemoryError, quoteId, untilAborted } from "@deep-agent/core/adapter";
import { checkLayer, checkTime } from "../layer/check-options.ts";
import { type BackendCall, intercept, writes } from "../layer/intercept.ts";
import type { AnyBackend, SameCapabilities } from "../layer/layer.ts";

/**
 * Settles every call within `timeoutMs` ms, including `close`. A call that takes longer is aborted and rejects with
 * `UNAVAILABLE`. If it was a write, it may have been made or not (`outcome: "unknown"`). Throws `INVALID_CONFIG`.
 *
 * ```ts
 * const patient = withTimeout(backend, 2_000);
 * ```
 */
export function withTimeout<B extends AnyBackend>(backend: B, timeoutMs: number): SameCapabilities<B> {
  checkLayer("withTimeout", backend);
  checkTime("withTimeout", "timeoutMs", timeoutMs);
  return intercept(backend, async (call, proceed) => {
    const overdue = new AbortController();
    const timer = setTimeout(() => overdue.abort(tooLate(call, timeoutMs)), timeoutMs);
    const { signal } = call.options;
    const either = signal ? AbortSignal.any([signal, overdue.signal]) : overdue.signal;
    try {
      return await untilAborted(proceed({ signal: either }), either);
    } finally {
      clearTimeout(timer);
    }
  });
}

function tooLate(call: BackendCall, timeoutMs: number): MemoryError {
  const { method, memoryId } = call;
  const what = typeof memoryId === "string" ? `${method} of memory ${quoteId(memoryId)}` : method;
  return new MemoryError("UNAVAILABLE", `${what} timed out after ${timeoutMs} ms.`, {
    memoryId,
    outcome: writes(call) ? "unknown" : "not-applied",
    retryable: true,
    hint: "Check whether the store is slow or unavailable, or allow more time.",
  });
}
