import type { FileSystem, OpenFile } from "../../src/file-system.ts";
import { nodeFileSystem } from "../../src/file-system.ts";

/** A call to the file system that is about to be made. */
export interface FileSystemCall {
  /** For example `"link"`; for a call to an open file `"file.write"`. */
  name: string;
  path: string;
  /** How many bytes the call reads or writes. */
  bytes: number;
}

/** What happens to a call: it is made (`undefined`), or fails before or after its effect; a write may be cut short. */
export type Fate = { error: Error; after?: boolean } | { cutTo: number } | undefined;

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: the test's disk fails`), { code });
}

/** The disk, with a function that sees each call and decides what happens to it. */
export function watched(
  decide: (call: FileSystemCall) => Fate | Promise<Fate>,
  disk: FileSystem = nodeFileSystem,
): FileSystem {
  const call = async <T>(name: string, path: string, perform: () => Promise<T>, bytes = 0): Promise<T> => {
    const fate = await decide({ name, path, bytes });
    if (fate === undefined || "cutTo" in fate) return perform();
    if (fate.after) await perform();
    throw fate.error;
  };
  return {
    async open(path, flags) {
      const fate = await decide({ name: "open", path, bytes: 0 });
      if (fate !== undefined && "error" in fate) {
        if (fate.after) await (await disk.open(path, flags)).close(); // the caller cannot close it
        throw fate.error;
      }
      return watchedFile(await disk.open(path, flags), path);
    },
    link: (existing, path) => call("link", path, () => disk.link(existing, path)),
    unlink: (path) => call("unlink", path, () => disk.unlink(path)),
    stat: (path) => call("stat", path, () => disk.stat(path)),
    readdir: (path) => call("readdir", path, () => disk.readdir(path)),
    mkdir: (path) => call("mkdir", path, () => disk.mkdir(path)),
    syncDirectory: (path) => call("syncDirectory", path, () => disk.syncDirectory(path)),
  };

  function watchedFile(file: OpenFile, path: string): OpenFile {
    return {
      stat: () => call("file.stat", path, () => file.stat()),
      read: (position, length) => call("file.read", path, () => file.read(position, length), length),
      setModified: (at) => call("file.setModified", path, () => file.setModified(at)),
      sync: () => call("file.sync", path, () => file.sync()),
      // Really closed, whatever the caller is told: a test must not run out of descriptors.
      async close() {
        const fate = await decide({ name: "file.close", path, bytes: 0 });
        await file.close();
        if (fate !== undefined && "error" in fate) throw fate.error;
      },
      async write(bytes) {
        const fate = await decide({ name: "file.write", path, bytes: bytes.length });
        if (fate !== undefined && "cutTo" in fate)
          return fate.cutTo === 0 ? 0 : file.write(bytes.subarray(0, fate.cutTo));
        if (fate === undefined || fate.after) {
          const written = await file.write(bytes);
          if (fate === undefined) return written;
        }
        throw fate.error;
      },
    };
  }
}
