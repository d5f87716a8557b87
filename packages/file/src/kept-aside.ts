import { isSystemError } from "./file-error.ts";
import type { FileSystem } from "./file-system.ts";

/*
 * With `onCorrupt: "skip"`, a damaged line is copied, as it is, to `<file of the log>.<offset>.corrupt` before it is passed
 * over. Deleting the memory deletes the copies.
 */

const SUFFIX = ".corrupt";

/** Copies damaged bytes beside their log, once. */
export async function keepAside(fs: FileSystem, path: string, offset: number, raw: Buffer): Promise<string> {
  const aside = `${path}.${offset}${SUFFIX}`;
  try {
    const file = await fs.open(aside, "wx");
    try {
      await file.write(raw);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
  return aside;
}

export function isKeptAside(name: string, encodedId: string): boolean {
  return name.startsWith(`${encodedId}.`) && name.endsWith(SUFFIX);
}
