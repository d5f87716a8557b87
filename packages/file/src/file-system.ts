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

/** What the adapter does with a disk, in as few calls as it needs: the place where tests count, fail and kill. */
export interface FileSystem {
  open(path: string, flags: "r" | "a+" | "wx"): Promise<OpenFile>;
  /** Publishes `existing` under a second name; fails with `EEXIST` where that is taken. */
  link(existing: string, path: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** `null`: there is none. */
  stat(path: string): Promise<FileStat | null>;
  readdir(path: string): Promise<string[]>;
  /** Makes the directory, private to the user; `false`: it was there. Fails with `ENOENT` where the one above is missing. */
  mkdir(path: string): Promise<boolean>;
  /** Flushes the names in a directory. */
  syncDirectory(path: string): Promise<void>;
}

export interface OpenFile {
  stat(): Promise<FileStat>;
  /** Reads up to `length` bytes; fewer at the end of the file. */
  read(position: number, length: number): Promise<Bytes>;
  /** One `write(2)`: how many bytes of it were written, fewer where the disk is full. */
  write(bytes: Bytes): Promise<number>;
  /** Makes it pass for one that was modified then: µs since 1970. */
  setModified(at: number): Promise<void>;
  /** Flushes the content, and the size that it takes to read it back. */
  sync(): Promise<void>;
  /** Once, and as the last call: what it was known by may then be another file's. */
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

/** So many bytes are read or written in less time than it takes to have another thread do it. */
const SMALL = 64 * 1024;

const [readAside, writeAside, flushContent] = [promisify(read), promisify(write), promisify(fdatasync)];

/** How long who awaits one call after the other keeps this thread for himself, in ms. */
const MAX_HOLD = 5;

let heldSince = 0;

/** Resolves when all else that waits in this process has had its turn, where that is due. */
async function inTurn(): Promise<void> {
  if (performance.now() - heldSince < MAX_HOLD) return;
  await nextTurn();
  heldSince = performance.now();
}

/**
 * The disk, by `node:fs`. What the system answers out of its memory is asked for here and now, which takes microseconds; in Node's pool of
 * threads it would wait for its turn, behind flushes. What waits for the disk, or takes long, is done there: flushes, large reads and writes, directories.
 */
export const nodeFileSystem: FileSystem = {
  async open(path, flags) {
    await inTurn();
    // "a+" must not create: a log is made whole under another name first.
    const file = openSync(path, flags === "a+" ? APPEND_EXISTING : flags, PRIVATE_FILE);
    try {
      if (flags === "wx") fchmodSync(file, PRIVATE_FILE); // whatever the umask took
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
          const bytesRead = length > SMALL ? (await readAside(...rest)).bytesRead : readSync(...rest);
          if (bytesRead === 0) break;
          done += bytesRead;
        }
        return buffer.subarray(0, done);
      },
      async write(bytes) {
        const all = [file, bytes, 0, bytes.length] as const;
        return bytes.length > SMALL ? (await writeAside(...all)).bytesWritten : writeSync(...all);
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
    await inTurn();
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

function isDirectory(path: string): boolean {
  // `undefined`: a link to nowhere
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
