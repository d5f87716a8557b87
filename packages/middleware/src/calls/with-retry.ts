import {
  type AppendOptions,
  encodeRecords,
  MemoryError,
  newId,
  supports,
  untilAborted,
} from "@deep-agent/core/adapter";
import { decorrelatedJitterGenerator, ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { checkLayer, checkTime, checkWhole } from "../layer/check-options.ts";
import { type BackendCall, intercept, writes } from "../layer/intercept.ts";
import { type AnyBackend, type SameCapabilities, whole } from "../layer/layer.ts";

export interface RetryOptions {
  /** How often a call is made, the first time included. Default 4. */
  attempts?: number | undefined;
  /** About how long to wait before the second attempt, in ms; longer before each later one, with jitter. Default 50. */
  pauseMs?: number | undefined;
  /** How long to wait at most, in ms. Default 2,000. */
  longestPauseMs?: number | undefined;
}

/**
 * Makes a call again that failed and may succeed later (`error.retryable`), where that is safe:
 *
 * - a read always is;
 * - a write of which the error says that it left no trace;
 * - an `append` that names its `since`, and a `save` on a backend with `log`, also if it is not known what became of
 *   them: each has an operation id, of the caller or made here, under which it takes effect once.
 *
 * A `delete` of which that is not known is left to the caller: repeated, it could take what others have begun again.
 * Throws `INVALID_CONFIG`.
 */
export function withRetry<B extends AnyBackend>(backend: B, options: RetryOptions = {}): SameCapabilities<B> {
  checkLayer("withRetry", backend, options, ["attempts", "pauseMs", "longestPauseMs"]);
  const { attempts = 4, pauseMs = 50, longestPauseMs = 2_000 } = options;
  checkWhole("withRetry", "attempts", attempts, 1);
  checkTime("withRetry", "pauseMs", pauseMs);
  checkTime("withRetry", "longestPauseMs", longestPauseMs);
  checkWhole("withRetry", "longestPauseMs", longestPauseMs, pauseMs);
  const hasLog = supports(whole(backend), "log");
  const backoff = new ExponentialBackoff({
    initialDelay: pauseMs,
    maxDelay: longestPauseMs,
    generator: decorrelatedJitterGenerator,
  });
  return intercept(backend, async (call, proceed) => {
    const { signal } = call.options;
    const named = hasLog && (call.method === "append" || call.method === "save") ? operation(call.options) : {};
    // As they are now: their caller may go on with its objects while this waits.
    const records =
      call.records && encodeRecords(call.memoryId, call.records).map((text) => JSON.parse(text) as object);
    const policy = retry(
      handleWhen((error) => signal?.aborted !== true && isWorthwhile(error, call, hasLog)),
      { maxAttempts: attempts - 1, backoff },
    );
    return untilAborted(
      policy.execute(() => {
        signal?.throwIfAborted();
        return proceed(named, records);
      }),
      signal,
    );
  });
}

/** The name of an operation, the same in every attempt. */
function operation({ operationId = newId() }: AppendOptions): AppendOptions {
  return { operationId };
}

function isWorthwhile(error: unknown, call: BackendCall, hasLog: boolean): boolean {
  if (!MemoryError.is(error) || !error.retryable || call.method === "close") return false;
  if (!writes(call) || error.outcome === "not-applied") return true;
  return (call.method === "append" && call.options.since !== undefined) || (call.method === "save" && hasLog);
}
