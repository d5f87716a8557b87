import { basename, dirname } from "node:path";
import type { FileStat, FileSystem, OpenFile } from "../../../src/file-system.ts";

interface Inode {
  readonly number: number;
  bytes: Buffer;
  length: number;
  modifiedAt: bigint;
}

/** The content of a directory at one moment. */
export type DiskSnapshot = ReadonlyMap<string, { bytes: Buffer; modifiedAt: bigint }>;

/** Whether a backup has this file: backups hold logs, not files that are still being made. */
export function isLog(name: string): boolean {
  return name.endsWith(".jsonl");
}

/** A disk that the model can read and change. */
export interface ModelDisk extends FileSystem {
  readonly directory: string;
  readonly names: string[];
  /** The content of the file; `null`: there is no such file. */
  contentOf(name: string): Buffer | null;
  snapshot(): DiskSnapshot;
  /** Restores a backup: new files with the old names. Processes that have an old file open keep it. */
  restore(snapshot: DiskSnapshot): void;
  /** Lets two days pass without a write. */
  age(): void;
}

const DAY_NS = 86_400_000_000_000n;

/**
 * One directory on a disk in RAM, with the promises of POSIX. A file exists while it is open, even if it has no name
 * any more. A write to a file opened for appending goes whole to the end that the file has at that moment. `link` fails
 * if the name is taken. Each call takes effect at once.
 */
export class MemoryDisk implements ModelDisk {
  readonly directory: string;
  readonly #names = new Map<string, Inode>();
  #made = false;
  #inodes = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  async open(path: string, flags: "r" | "a+" | "wx"): Promise<OpenFile> {
    const name = this.#nameOf(path);
    if (flags === "wx") {
      if (!this.#made) throw systemError("ENOENT");
      if (this.#names.has(name)) throw systemError("EEXIST");
      this.#names.set(name, this.#makeInode(Buffer.alloc(0)));
    }
    const inode = this.#inodeOf(path);
    return {
      stat: async () => toStat(inode),
      read: async (position, length) =>
        Buffer.from(inode.bytes.subarray(position, Math.min(position + length, inode.length))),
      write: async (bytes) => {
        append(inode, bytes);
        return bytes.length;
      },
      setModified: async (at) => {
        inode.modifiedAt = BigInt(at) * 1000n;
      },
      sync: async () => {},
      close: async () => {},
    };
  }

  async link(existing: string, path: string): Promise<void> {
    const inode = this.#inodeOf(existing);
    const name = this.#nameOf(path);
    if (this.#names.has(name)) throw systemError("EEXIST");
    this.#names.set(name, inode);
  }

  async unlink(path: string): Promise<void> {
    this.#inodeOf(path);
    this.#names.delete(this.#nameOf(path));
  }

  async stat(path: string): Promise<FileStat | null> {
    const inode = this.#names.get(this.#nameOf(path));
    return inode === undefined ? null : toStat(inode);
  }

  async readdir(path: string): Promise<string[]> {
    if (path !== this.directory || !this.#made) throw systemError("ENOENT");
    return [...this.#names.keys()];
  }

  async mkdir(): Promise<boolean> {
    const made = !this.#made;
    this.#made = true;
    return made;
  }

  async syncDirectory(): Promise<void> {}

  snapshot(): DiskSnapshot {
    const logs = [...this.#names].filter(([name]) => isLog(name));
    return new Map(
      logs.map(([name, inode]) => [name, { bytes: Buffer.from(contentOf(inode)), modifiedAt: inode.modifiedAt }]),
    );
  }

  restore(snapshot: DiskSnapshot): void {
    for (const name of this.names) if (isLog(name)) this.#names.delete(name);
    for (const [name, { bytes, modifiedAt }] of snapshot) {
      this.#names.set(name, { ...this.#makeInode(Buffer.from(bytes)), modifiedAt });
    }
  }

  age(): void {
    for (const inode of this.#names.values()) inode.modifiedAt -= 2n * DAY_NS;
  }

  contentOf(name: string): Buffer | null {
    const inode = this.#names.get(name);
    return inode === undefined ? null : contentOf(inode);
  }

  get names(): string[] {
    return [...this.#names.keys()];
  }

  #nameOf(path: string): string {
    if (dirname(path) !== this.directory) throw systemError("ENOENT");
    return basename(path);
  }

  #inodeOf(path: string): Inode {
    const inode = this.#names.get(this.#nameOf(path));
    if (inode === undefined) throw systemError("ENOENT");
    return inode;
  }

  #makeInode(bytes: Buffer): Inode {
    this.#inodes += 1;
    return { number: this.#inodes, bytes, length: bytes.length, modifiedAt: nowNs() };
  }
}

function append(inode: Inode, bytes: Buffer): void {
  const length = inode.length + bytes.length;
  if (length > inode.bytes.length) {
    const larger = Buffer.alloc(2 * length);
    inode.bytes.copy(larger, 0, 0, inode.length);
    inode.bytes = larger;
  }
  bytes.copy(inode.bytes, inode.length);
  inode.length = length;
  inode.modifiedAt = nowNs();
}

function contentOf(inode: Inode): Buffer {
  return inode.bytes.subarray(0, inode.length);
}

function toStat(inode: Inode): FileStat {
  return { size: inode.length, identity: `memory:${inode.number}`, modifiedAt: inode.modifiedAt };
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: on a disk in RAM`), { code });
}
