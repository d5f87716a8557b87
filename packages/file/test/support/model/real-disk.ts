import { readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type FileStat, nodeFileSystem, type OpenFile } from "../../../src/file-system.ts";
import { type DiskSnapshot, isLog, type ModelDisk } from "./memory-disk.ts";

const TWO_DAYS_S = 2 * 86_400;

/** A directory on the machine's own disk. */
export class RealDisk implements ModelDisk {
  readonly directory: string;
  readonly #open = new Set<OpenFile>();

  constructor(directory: string) {
    this.directory = directory;
  }

  async open(path: string, flags: "r" | "a+" | "wx"): Promise<OpenFile> {
    const file = await nodeFileSystem.open(path, flags);
    this.#open.add(file);
    const close = (): Promise<void> => {
      this.#open.delete(file);
      return file.close();
    };
    return { ...file, close };
  }

  link(existing: string, path: string): Promise<void> {
    return nodeFileSystem.link(existing, path);
  }

  unlink(path: string): Promise<void> {
    return nodeFileSystem.unlink(path);
  }

  stat(path: string): Promise<FileStat | null> {
    return nodeFileSystem.stat(path);
  }

  readdir(path: string): Promise<string[]> {
    return nodeFileSystem.readdir(path);
  }

  mkdir(path: string): Promise<boolean> {
    return nodeFileSystem.mkdir(path);
  }

  syncDirectory(path: string): Promise<void> {
    return nodeFileSystem.syncDirectory(path);
  }

  get names(): string[] {
    return readdirSync(this.directory);
  }

  contentOf(name: string): Buffer | null {
    return this.names.includes(name) ? readFileSync(join(this.directory, name)) : null;
  }

  snapshot(): DiskSnapshot {
    const logs = this.names.filter(isLog).map((name) => join(this.directory, name));
    return new Map(
      logs.map((path) => [path, { bytes: readFileSync(path), modifiedAt: statSync(path, { bigint: true }).mtimeNs }]),
    );
  }

  restore(snapshot: DiskSnapshot): void {
    for (const name of this.names) if (isLog(name)) rmSync(join(this.directory, name));
    for (const [path, { bytes, modifiedAt }] of snapshot) {
      const seconds = Number(modifiedAt / 1_000_000n) / 1000;
      writeFileSync(`${path}.restored`, bytes);
      utimesSync(`${path}.restored`, seconds, seconds);
      renameSync(`${path}.restored`, path);
    }
  }

  age(): void {
    for (const path of this.names.map((name) => join(this.directory, name))) {
      const seconds = statSync(path).mtimeMs / 1000 - TWO_DAYS_S;
      utimesSync(path, seconds, seconds);
    }
  }

  /** Closes what killed processes left open. */
  async release(): Promise<void> {
    await Promise.all([...this.#open].map((file) => file.close()));
    this.#open.clear();
  }
}
