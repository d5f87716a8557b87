import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fstatSync,
  futimesSync,
  openSync,
  read,
  readSync,
  statSync,
  write,
  writeSync,
} from "node:fs";
import { chmod, link, mkdir, open, readdir, unlink } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { isSystemError } from "./file-error.ts";

/** A `Buffer`, or for a compiler without `@types/node` the `Uint8Array` that it is. */
type Bytes = typeof globalThis extends { Buffer: { isBuffer(value: unknown): value is infer B } } ? B : Uint8Array;

/**
 * All that the adapter does with a disk, in as few calls as it needs. Tests count calls here, make them fail, or end
 * the process there. A call that fails rejects with the system's error, whose `code` is for example `ENOENT`.
 */
export interface FileSystem {
  /**
   * Opens a file. `"r"`: to read. `"a+"`: to read and append; fails with `ENOENT` if there is no such file. `"wx"`:
   * makes the file, private to the user, to write; fails with `EEXIST` if it exists.
   */
  open(path: string, flags: "r" | "a+" | "wx"): Promise<OpenFile>;
  /** Publishes `existing` under a second name. Fails with `EEXIST` if that name is taken. */
  link(existing: string, path: string): Promise<void>;
  /** Removes a name, and the file if that was its last name. Fails with `ENOENT` if there is no such name. */
  unlink(path: string): Promise<void>;
  /** The size, identity and time of a file; `null`: there is no such file. */
  stat(path: string): Promise<FileStat | null>;
  /** The names in a directory, in any order. Fails with `ENOENT` if there is no such directory. */
  readdir(path: string): Promise<string[]>;
  /**
   * Makes the directory, private to the user; `false`: it existed. Fails with `ENOENT` if its parent directory is
   * missing.
   */
  mkdir(path: string): Promise<boolean>;
  /** Flushes the names in a directory. */
  syncDirectory(path: string): Promise<void>;
  /**
   * The permission bits of a directory, as `chmod` takes them, and 0 on a system that has none; `null`: there is no
   * such directory. Absent: nobody is warned of a directory that others may write to.
   */
  modeOf?(path: string): Promise<number | null>;
}

/** An open file, as {@link FileSystem.open} returns it. */
export interface OpenFile {
  /** The size, identity and time of the file, whether it still has a name or not. */
  stat(): Promise<FileStat>;
  /** Reads up to `length` bytes; fewer at the end of the file. */
  read(position: number, length: number): Promise<Bytes>;
  /** Makes one `write(2)`, and answers how many bytes were written: fewer than given if the disk is full. */
  write(bytes: Bytes): Promise<number>;
  /** Sets the modification time of the file: µs since 1970. */
  setModified(at: number): Promise<void>;
  /** Flushes the content, and the size that is needed to read it back. */
  sync(): Promise<void>;
  /** Call it once, as the last call: the system may give the file's descriptor to another file afterwards. */
  close(): Promise<void>;
}

/** What a file system says about a file. */
export interface FileStat {
  /** Bytes. */
  size: number;
  /** Identifies the file itself, whatever path leads to it. */
  identity: string;
  /** When the content was last modified: nanoseconds since 1970. */
  modifiedAt: bigint;
}

const APPEND_EXISTING = constants.O_RDWR | constants.O_APPEND;
const PRIVATE_FILE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
const PERMISSIONS = 0o7777;

/** Bytes. Reading or writing up to this many takes less time than passing the work to another thread. */
const SMALL = 64 * 1024;

const [readInPool, writeInPool, flushContent] = [promisify(read), promisify(write), promisify(fdatasync)];

/** How long consecutive awaited calls may keep the event loop: ms. */
const MAX_HOLD = 5;

let heldSince = 0;

/** Lets everything else that waits in this process run, if the event loop has been held for {@link MAX_HOLD}. */
async function yieldIfDue(): Promise<void> {
  if (performance.now() - heldSince < MAX_HOLD) return;
  await nextTurn();
  heldSince = performance.now();
}

/**
 * The disk, by `node:fs`. Calls that the system answers from its memory are made synchronously, which takes
 * microseconds: in Node's thread pool they would wait for flushes to finish. Calls that wait for the disk or take long
 * are made in the thread pool: flushes, large reads and writes, and directories.
 */
export const nodeFileSystem: FileSystem = {
  async open(path, flags) {
    await yieldIfDue();
    // "a+" must not create a file: a log is written whole under another name first.
    const file = openSync(path, flags === "a+" ? APPEND_EXISTING : flags, PRIVATE_FILE);
    try {
      if (flags === "wx") fchmodSync(file, PRIVATE_FILE); // whatever the umask is
    } catch (error) {
      closeSync(file);
      throw error;
    }
    return {
      stat: async () => toFileStat(fstatSync(file, { bigint: true })),
      async read(position, length) {
        const buffer = Buffer.allocUnsafe(length);
        let done = 0;
        while (done < length) {
          const rest = [file, buffer, done, length - done, position + done] as const;
          const bytesRead = length > SMALL ? (await readInPool(...rest)).bytesRead : readSync(...rest);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return buffer.subarray(0, done);
      },
      async write(bytes) {
        const all = [file, bytes, 0, bytes.length] as const;
        return bytes.length > SMALL ? (await writeInPool(...all)).bytesWritten : writeSync(...all);
      },
      // In the middle of the microsecond, since seconds in a double are not exact.
      setModified: async (at) => futimesSync(file, (at + 0.5) / 1e6, (at + 0.5) / 1e6),
      sync: () => flushContent(file),
      close: async () => closeSync(file),
    };
  },
  link,
  unlink,
  async stat(path) {
    await yieldIfDue();
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? null : toFileStat(stat);
  },
  readdir,
  async mkdir(path) {
    try {
      await mkdir(path, PRIVATE_DIRECTORY);
    } catch (error) {
      if (isSystemError(error, "EEXIST") && isDirectory(path)) return false;
      throw error;
    }
    await chmod(path, PRIVATE_DIRECTORY); // whatever the umask is
    return true;
  },
  async syncDirectory(path) {
    if (process.platform === "win32") return; // Windows has no such flush
    const handle = await open(path, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  async modeOf(path) {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return null;
    return process.platform === "win32" ? 0 : stat.mode & PERMISSIONS;
  },
};

function isDirectory(path: string): boolean {
  // `undefined`: a symbolic link whose target is missing
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
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
