import { type FileSystem, nodeFileSystem, type OpenFile } from "@deep-agent/file/testing";

/** What becomes of a call to the disk. */
export type Failure =
  /** It fails, before or after its effect. */
  | { code: string; after: boolean }
  /** A write ends early, as a full disk does it. */
  | { share: number };

/** The calls that change something: what is done to the name, or to the open file. */
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

/** The disk, of which one call fails: the n-th of those that change something. Tells their names. */
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
      // Opening what is there changes nothing, but fails like any other. Afterwards nobody could close it.
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
      // Closed in truth whatever is told, or the descriptors would run out.
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
