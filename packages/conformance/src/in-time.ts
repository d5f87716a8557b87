/** Settles like the promise, or rejects after `timeoutMs`. The work of the promise is not stopped. */
export async function inTime<R>(run: Promise<R>, timeoutMs: number): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not finish within ${timeoutMs / 1000} s.`)), timeoutMs);
  });
  try {
    return await Promise.race([run, late]);
  } finally {
    clearTimeout(timer);
  }
}
