import { type FileSystem, nodeFileSystem, type OpenFile } from "@deep-agent/file/testing";

/** How a call to the disk fails. */
export type Failure =
  /** It fails before or after its effect. */
  | { code: string; after: boolean }
  /** A write ends early, as on a full disk. */
  | { share: number };

/** The calls that change something: a name, or an open file. */
export const writingCalls = [
  "open",
  "write",
  "setModified",
  "sync",
  "close",
  "link",
  "unlink",
  "mkdir",
  "syncDirectory",
] as const;
type WritingCall = (typeof writingCalls)[number];

/** A disk on which one call fails: the n-th call that changes something. Adds the names of these calls to `made`. */
export function failingDisk(nth: number, failure: Failure, made: WritingCall[]): FileSystem {
  const call = async <T>(
    name: WritingCall,
    perform: () => Promise<T>,
    undo?: (done: T) => Promise<unknown>,
  ): Promise<T> => {
    const fails = made.length === nth;
    made.push(name);
    if (!fails || "share" in failure) return perform();
    if (failure.after) {
      const done = await perform();
      await undo?.(done);
    }
    throw systemError(failure.code);
  };
  const disk = nodeFileSystem;
  return {
    ...disk,
    async open(path, flags) {
      // Opening an existing file changes nothing, but fails like any other call. If it fails after its effect, the file
      // is closed here: the caller does not have it.
      const file = await call(
        "open",
        () => disk.open(path, flags),
        (opened) => opened.close(),
      );
      return watched(file);
    },
    link: (existing, path) => call("link", () => disk.link(existing, path)),
    unlink: (path) => call("unlink", () => disk.unlink(path)),
    mkdir: (path) => call("mkdir", () => disk.mkdir(path)),
    syncDirectory: (path) => call("syncDirectory", () => disk.syncDirectory(path)),
  };

  function watched(file: OpenFile): OpenFile {
    return {
      stat: () => file.stat(),
      read: (position, length) => file.read(position, length),
      setModified: (at) => call("setModified", () => file.setModified(at)),
      sync: () => call("sync", () => file.sync()),
      async write(bytes) {
        const isShort = made.length === nth && "share" in failure;
        return call("write", () =>
          file.write(isShort ? bytes.subarray(0, Math.floor(bytes.length * failure.share)) : bytes),
        );
      },
      // The file is really closed even if the call fails, or the descriptors would run out.
      async close() {
        const fails = made.length === nth && "code" in failure;
        await call("close", () => file.close()).catch(async (error) => {
          if (fails && !failure.after) await file.close();
          throw error;
        });
      },
    };
  }
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: this disk fails`), { code });
}
