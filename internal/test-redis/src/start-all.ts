import { disposeAll } from "./dispose-all.ts";

/** Waits for everything that is being started. If a start fails, disposes of whatever did start, and rejects. */
export async function startAll<T extends AsyncDisposable>(starts: readonly Promise<T>[]): Promise<T[]> {
  try {
    return await Promise.all(starts);
  } catch (error) {
    const ends = await Promise.allSettled(starts);
    await disposeAll(ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : [])));
    throw error;
  }
}
