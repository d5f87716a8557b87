import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { type FileStat, type FileSystem, nodeFileSystem } from "@deep-agent/file";

/** The disk, each call made at once: thousands of damaged files are read in a fraction of the time that it takes by turns. */
export const promptDisk: FileSystem = {
  ...nodeFileSystem,
  async open(path, flags) {
    const file = openSync(path, flags === "a+" ? constants.O_RDWR | constants.O_APPEND : flags, 0o600);
    return {
      stat: async () => toFileStat(fstatSync(file, { bigint: true })),
      async read(position, length) {
        const buffer = Buffer.allocUnsafe(length);
        let read = 0;
        while (read < length) {
          const count = readSync(file, buffer, read, length - read, position + read);
          if (count === 0) break;
          read += count;
        }
        return buffer.subarray(0, read);
      },
      write: async (bytes) => writeSync(file, bytes),
      setModified: async (at) => futimesSync(file, at / 1e6, at / 1e6),
      sync: async () => fdatasyncSync(file),
      close: async () => closeSync(file),
    };
  },
  link: async (existing, path) => linkSync(existing, path),
  unlink: async (path) => unlinkSync(path),
  stat: async (path) => toFileStat(statSync(path, { bigint: true })),
  readdir: async (path) => readdirSync(path),
  async syncDirectory(path) {
    const directory = openSync(path, "r");
    fsyncSync(directory);
    closeSync(directory);
  },
};

function toFileStat({
  size,
  dev,
  ino,
  mtimeNs,
}: {
  size: bigint;
  dev: bigint;
  ino: bigint;
  mtimeNs: bigint;
}): FileStat {
  return { size: Number(size), identity: `${dev}:${ino}`, modifiedAt: mtimeNs };
}
