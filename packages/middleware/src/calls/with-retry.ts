import {
  type AppendOptions,
  encodeRecords,
  MemoryError,
  mayHaveTakenEffect,
  newId,
  supports,
  untilAborted,
  withUnknownOutcome,
} from "@deep-agent/core/adapter";
import { decorrelatedJitterGenerator, ExponentialBackoff, handleWhen, retry } from "cockatiel";
import { checkLayer, checkTime, checkWhole } from "../layer/check-options.ts";
import { type BackendCall, intercept, writes } from "../layer/intercept.ts";
import { type AnyBackend, type SameCapabilities, whole } from "../layer/layer.ts";

/** The options of {@link withRetry}. */
export interface RetryOptions {
  /** How many times a call is made at most, including the first time. Default 4. */
  attempts?: number | undefined;
  /** About how long to wait before the second attempt, in ms. Later waits are longer, with jitter. Default 50. */
  pauseMs?: number | undefined;
  /** The longest wait between two attempts, in ms. At least `pauseMs`. Default 2,000. */
  longestPauseMs?: number | undefined;
}

/**
 * Repeats a failed call that may succeed later (`error.retryable`), if repeating it is safe:
 *
 * - a read and a `touch`, always;
 * - a write whose error says that it was not applied;
 * - an `append` with a `since`, or a `save` on a backend with `log`, even if its outcome is unknown: it has an
 *   operation id, from the caller or made here, under which it takes effect once.
 *
 * A `delete` with an unknown outcome is left to the caller: repeating it could delete records that others have written
 * since.
 *
 * If the last attempt fails, too, the call rejects with its error. The error's outcome is that of all attempts: it is
 * `"unknown"` as soon as one of them may have taken effect. After an abort, also between two attempts, the call rejects
 * with the signal's reason, as every call does. That says nothing about the write: it may have been made. Throws
 * `INVALID_CONFIG`.
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
    // A copy: the caller may change its objects while this waits.
    const records =
      call.records && encodeRecords(call.memoryId, call.records).map((text) => JSON.parse(text) as object);
    const policy = retry(
      handleWhen((error) => signal?.aborted !== true && isWorthwhile(error, call, hasLog)),
      { maxAttempts: attempts - 1, backoff },
    );
    let mayBeMade = false;
    const attempt = async (): ReturnType<typeof proceed> => {
      signal?.throwIfAborted();
      try {
        return await proceed(named, records);
      } catch (error) {
        const told = mayBeMade ? withUnknownOutcome(error, signal) : error;
        mayBeMade ||= writes(call) && mayHaveTakenEffect(error);
        throw told;
      }
    };
    return untilAborted(policy.execute(attempt), signal);
  });
}

/** The same operation id for every attempt. */
function operation({ operationId = newId() }: AppendOptions): AppendOptions {
  return { operationId };
}

function isWorthwhile(error: unknown, call: BackendCall, hasLog: boolean): boolean {
  if (!MemoryError.is(error) || !error.retryable || call.method === "close") return false;
  if (!writes(call) || error.outcome === "not-applied") return true;
  if (call.method === "touch") return true;
  return (call.method === "append" && call.options.since !== undefined) || (call.method === "save" && hasLog);
}
