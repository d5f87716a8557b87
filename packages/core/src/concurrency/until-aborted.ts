/** Settles as `promise` does, or rejects with the signal's reason, whichever is first. The promise itself is not stopped. For adapters, too. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise; // null, too: it is as good as none wherever options are checked
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    // Also takes charge of the promise's own rejection, where the signal was first.
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
