import { constants } from "node:fs";
import { chmod, link, mkdir, open, readdir, stat, unlink } from "node:fs/promises";
import { isSystemError } from "./file-error.ts";

/** What the adapter does with a disk, in as few calls as it needs: the place where tests count, fail and kill. */
export interface FileSystem {
  open(path: string, flags: "r" | "a+" | "wx"): Promise<OpenFile>;
  /** Publishes `existing` under a second name; fails with `EEXIST` where that is taken. */
  link(existing: string, path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<FileStat>;
  readdir(path: string): Promise<string[]>;
  /** Makes the directory, private to the user; `false`: it was there. Fails with `ENOENT` where the one above is missing. */
  mkdir(path: string): Promise<boolean>;
  /** Flushes the names in a directory. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  stat(): Promise<FileStat>;
  /** Reads up to `length` bytes; fewer at the end of the file. */
  read(position: number, length: number): Promise<Buffer>;
  /** One `write(2)`: how many bytes of it were written, fewer where the disk is full. */
  write(bytes: Buffer): Promise<number>;
  /** Makes it pass for one that was modified then: µs since 1970. */
  setModified(at: number): Promise<void>;
  /** Flushes the content, and the size that it takes to read it back. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface FileStat {
  size: number;
  /** Names the file itself, whatever path leads to it. */
  identity: string;
  /** Nanoseconds since 1970. */
  modifiedAt: bigint;
}

const APPEND_EXISTING = constants.O_RDWR | constants.O_APPEND;
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;

/** The disk, by `node:fs`. */
export const nodeFileSystem: FileSystem = {
  async open(path, flags) {
    // "a+" must not create: a log is made whole under another name first.
    const handle = await open(path, flags === "a+" ? APPEND_EXISTING : flags, PRIVATE_FILE);
    try {
      if (flags === "wx") await handle.chmod(PRIVATE_FILE); // whatever the umask took
    } catch (error) {
      await handle.close();
      throw error;
    }
    return {
      stat: async () => toFileStat(await handle.stat({ bigint: true })),
      async read(position, length) {
        const buffer = Buffer.allocUnsafe(length);
        let read = 0;
        while (read < length) {
          const { bytesRead } = await handle.read(buffer, read, length - read, position + read);
          if (bytesRead === 0) break;
          read += bytesRead;
        }
        return buffer.subarray(0, read);
      },
      write: async (bytes) => (await handle.write(bytes, 0, bytes.length)).bytesWritten,
      // In the middle of the microsecond, since seconds in a double are not exact.
      setModified: (at) => handle.utimes((at + 0.5) / 1e6, (at + 0.5) / 1e6),
      sync: () => handle.datasync(),
      close: () => handle.close(),
    };
  },
  link,
  unlink,
  stat: async (path) => toFileStat(await stat(path, { bigint: true })),
  readdir,
  async mkdir(path) {
    try {
      await mkdir(path, PRIVATE_DIRECTORY);
    } catch (error) {
      if (isSystemError(error, "EEXIST") && (await isDirectory(path))) return false;
      throw error;
    }
    await chmod(path, PRIVATE_DIRECTORY); // whatever the umask took
    return true;
  },
  async syncDirectory(path) {
    if (process.platform === "win32") return; // which has no such flush
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false; // a link to nowhere
    throw error;
  }
}

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
