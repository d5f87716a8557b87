import { disposeAll } from "./dispose-all.ts";

/** Waits for all that are being started; where one does not start, those that did are disposed of. */
export async function startAll<T extends AsyncDisposable>(starts: readonly Promise<T>[]): Promise<T[]> {
  try {
    return await Promise.all(starts);
  } catch (error) {
    const ends = await Promise.allSettled(starts);
    await disposeAll(ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : [])));
    throw error;
  }
}
