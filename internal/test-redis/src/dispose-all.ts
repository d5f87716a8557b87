/** Disposes of everything, even if some disposals fail. Then throws their errors together. */
export async function disposeAll(things: readonly AsyncDisposable[]): Promise<void> {
  const ends = await Promise.allSettled(things.map(async (thing) => thing[Symbol.asyncDispose]()));
  const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
  if (failures.length > 0)
    throw new AggregateError(failures, `${failures.length} of ${things.length} disposals failed.`);
}
