/**
 * Settles as `promise` does, or rejects with the signal's reason, whichever is first. The work of the promise goes on
 * after an abort. For adapters too.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise; // null too: all checks of options accept it
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    // Also handles a later rejection of the promise, if the signal was first.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
