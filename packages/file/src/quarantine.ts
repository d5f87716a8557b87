import { diskFull, isSystemError } from "./file-error.ts";
import type { FileSystem } from "./file-system.ts";

/*
 * With `onCorrupt: "skip"`, a damaged line is copied, as it is, to `<file of the log>.<offset>.corrupt` before it is passed
 * over. Deleting the memory deletes the copies.
 */

/** Copies damaged bytes beside their log, once. */
export async function quarantine(fs: FileSystem, path: string, offset: number, raw: Buffer): Promise<string> {
  const aside = `${path}.${offset}.corrupt`;
  try {
    const file = await fs.open(aside, "wx");
    try {
      if ((await file.write(raw)) < raw.length) throw diskFull();
      await file.sync();
    } catch (error) {
      await fs.unlink(aside); // else it would pass for a whole copy
      throw error;
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
  return aside;
}

/** The name of the log that a file of this name holds a line of; `null`: it is no such file. */
export function quarantinedLogOf(name: string): string | null {
  return /^(.+)\.\d{1,15}\.corrupt$/.exec(name)?.[1] ?? null;
}
