import { backendChannel, type Warn } from "@deep-agent/core/adapter";
import type { FileSystem } from "./file-system.ts";

const WRITABLE_BY_OTHERS = 0o002;

/**
 * Warns once if everyone on the machine may write to a directory that the backend did not make. Its files are private,
 * but others could put a later generation of a file beside them, and without the sticky bit also remove files. A group
 * that may write is meant.
 */
export class SharedDirectoryWarning {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #warn: Warn;
  #isDone: boolean;

  constructor(fs: FileSystem, directory: string, warn: Warn) {
    this.#fs = fs;
    this.#directory = directory;
    this.#warn = warn;
    this.#isDone = fs.modeOf === undefined;
  }

  /** Whether {@link check} has something to do. If nobody listens to warnings, that is later. */
  get isDue(): boolean {
    return !this.#isDone && backendChannel.hasSubscribers;
  }

  /** Looks at the directory. If it is missing, the next call looks again. */
  async check(): Promise<void> {
    this.#isDone = true;
    const mode = (await this.#fs.modeOf?.(this.#directory)) ?? null;
    if (mode === null) this.#isDone = false;
    else if ((mode & WRITABLE_BY_OTHERS) !== 0) this.#warn(this.#detail(mode));
  }

  #detail(mode: number): string {
    const harm = "others can replace the conversations there";
    return `everyone on this machine may write to ${this.#directory} (mode ${mode.toString(8)}), so ${harm}: chmod 700`;
  }
}
