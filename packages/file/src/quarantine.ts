import { diskFull, isSystemError } from "./file-error.ts";
import type { FileSystem } from "./file-system.ts";

/*
 * With `onCorrupt: "skip"`, a damaged line is copied as it is to `<file of the log>.<offset>.corrupt` before it is
 * skipped. Deleting the memory deletes the copies.
 */

/** Copies damaged bytes to a file beside their log, unless that file exists. Answers the path of the copy. */
export async function quarantine(fs: FileSystem, path: string, offset: number, raw: Buffer): Promise<string> {
  const copy = `${path}.${offset}.corrupt`;
  try {
    const file = await fs.open(copy, "wx");
    try {
      if ((await file.write(raw)) < raw.length) throw diskFull();
      await file.sync();
    } catch (error) {
      await fs.unlink(copy); // otherwise it would be taken for a complete copy
      throw error;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
  return copy;
}

/** The name of the log whose line is in a file of this name; `null`: the file does not hold a damaged line. */
export function quarantinedLogOf(name: string): string | null {
  return /^(.+)\.\d{1,15}\.corrupt$/.exec(name)?.[1] ?? null;
}
