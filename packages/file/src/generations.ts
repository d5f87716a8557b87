import { join } from "node:path";
import { newId } from "@deep-agent/core";
import { diskFull, fileError, isSystemError } from "./file-error.ts";
import { encodeId, fileName, parseFileName } from "./file-name.ts";
import type { FileSystem } from "./file-system.ts";
import { isKeptAside } from "./kept-aside.ts";
import { type Finds, LogFile } from "./log-file.ts";

/**
 * The files of a directory, as generations of memories.
 *
 * A memory's log is its file of the highest generation. A file is made whole under a temporary name and published by link(2),
 * which fails where another was first; a memory is deleted by publishing an empty next generation and unlinking the older
 * ones, oldest first. So whoever holds generation g can tell by looking for g + 1 whether it is still the memory's log.
 */
export class Generations {
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #durable: boolean;
  readonly #finds: Finds;
  /** The generation that was highest when last looked, and its epoch: spares reading the directory. */
  readonly #known = new Map<string, { generation: number; epoch: string }>();

  constructor(directory: string, fs: FileSystem, durable: boolean, finds: Finds) {
    this.directory = directory;
    this.#fs = fs;
    this.#durable = durable;
    this.#finds = finds;
  }

  /** The memory's log; `null`: it has no file. The caller closes it. */
  async open(memoryId: string): Promise<LogFile | null> {
    for (;;) {
      const known = this.#known.get(memoryId);
      const log = known === undefined ? await this.#openHighest(memoryId) : await this.#openKnown(memoryId, known);
      if (log !== "gone") return log;
      this.#known.delete(memoryId);
    }
  }

  /** Whether the log is still the memory's, and still under its name. */
  async isCurrent(log: LogFile): Promise<boolean> {
    const [ours, named, newer] = await Promise.all([
      log.stat(),
      this.#statOrNull(log.path),
      this.#statOrNull(this.#path(log.memoryId, log.generation + 1)),
    ]);
    const current = named?.identity === ours.identity && newer === null;
    if (!current) this.#known.delete(log.memoryId);
    return current;
  }

  /** Publishes a memory's first file; `false`: another was first. */
  async create(memoryId: string, content: Buffer): Promise<boolean> {
    const path = this.#path(memoryId, 1);
    if (!(await this.#publish(memoryId, path, content))) return false;
    // Between our looking and our linking the memory may have been made and deleted by others: then theirs stands.
    const [highest] = await this.#generationsOf(memoryId);
    if (highest === 1) return true;
    await this.#unlink(path);
    return false;
  }

  /** Publishes the generation behind `log`, empty but for the header; `false`: another was first. */
  publishNext(log: LogFile, header: Buffer): Promise<boolean> {
    return this.#publish(log.memoryId, this.#path(log.memoryId, log.generation + 1), header);
  }

  /** Unlinks all files of the memory that are older than its highest generation, and what was kept aside of any. */
  async removeOlder(memoryId: string): Promise<void> {
    const names = await this.names();
    const [highest = 0, ...older] = generationsAmong(names, encodeId(memoryId));
    // Oldest first, so that of those left each but the highest has a successor.
    for (const generation of older.reverse()) {
      if (generation < highest) await this.#unlink(this.#path(memoryId, generation));
    }
    for (const name of names) if (isKeptAside(name, encodeId(memoryId))) await this.#unlink(join(this.directory, name));
  }

  /** Unlinks a log that was sealed: nothing can be stored in it any more. */
  async remove(log: LogFile): Promise<void> {
    this.#known.delete(log.memoryId);
    const [ours, named] = await Promise.all([log.stat(), this.#statOrNull(log.path)]);
    if (named?.identity === ours.identity) await this.#unlink(log.path);
  }

  /** The names of all files in the directory; none where there is no directory. */
  async names(): Promise<string[]> {
    return (await this.#unlessMissing(() => this.#fs.readdir(this.directory))) ?? [];
  }

  /** Makes the directory where it is missing. */
  async prepare(): Promise<void> {
    const made = await this.#fs.mkdir(this.directory);
    if (made && this.#durable) await this.#fs.syncDirectory(join(this.directory, ".."));
  }

  async #openKnown(memoryId: string, known: { generation: number; epoch: string }): Promise<LogFile | "gone"> {
    if ((await this.#statOrNull(this.#path(memoryId, known.generation + 1))) !== null) return "gone";
    const log = await this.#openGeneration(memoryId, known.generation);
    if (log === null) return "gone";
    if (log.epoch === known.epoch) return log;
    await log.close();
    return "gone";
  }

  async #openHighest(memoryId: string): Promise<LogFile | null | "gone"> {
    const [highest] = await this.#generationsOf(memoryId);
    if (highest === undefined) return null;
    const log = await this.#openGeneration(memoryId, highest);
    if (log === null) return "gone";
    try {
      const { size } = await log.stat();
      if (await log.isSealed(size)) {
        // Whoever sealed it was to remove it, and may have been killed.
        await this.remove(log);
        await log.close();
        return "gone";
      }
    } catch (error) {
      await log.close();
      throw error;
    }
    this.#remember(log);
    return log;
  }

  async #openGeneration(memoryId: string, generation: number): Promise<LogFile | null> {
    const path = this.#path(memoryId, generation);
    const file = await this.#unlessMissing(() => this.#fs.open(path, "a+"));
    if (file === null) return null;
    try {
      return await LogFile.open(memoryId, path, generation, file, this.#finds);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #remember(log: LogFile): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(log.memoryId, { generation: log.generation, epoch: log.epoch });
  }

  async #publish(memoryId: string, path: string, content: Buffer): Promise<boolean> {
    await this.prepare();
    const temporary = join(this.directory, `${newId()}${TEMPORARY}`);
    try {
      await this.#writeWhole(memoryId, temporary, content);
      try {
        await this.#fs.link(temporary, path);
        if (this.#durable) await this.#fs.syncDirectory(this.directory);
        return true;
      } catch (error) {
        if (isSystemError(error, "EEXIST")) return false;
        throw fileError(error, "write", path, memoryId, "unknown");
      }
    } finally {
      await this.#unlink(temporary);
    }
  }

  async #writeWhole(memoryId: string, path: string, content: Buffer): Promise<void> {
    try {
      const file = await this.#fs.open(path, "wx");
      try {
        if ((await file.write(content)) < content.length) throw diskFull();
        if (this.#durable) await file.sync();
      } finally {
        await file.close();
      }
    } catch (error) {
      throw fileError(error, "write", path, memoryId, "not-applied");
    }
  }

  /** Highest first. */
  async #generationsOf(memoryId: string): Promise<number[]> {
    return generationsAmong(await this.names(), encodeId(memoryId));
  }

  #path(memoryId: string, generation: number): string {
    return join(this.directory, fileName(encodeId(memoryId), generation));
  }

  #statOrNull(path: string): Promise<Awaited<ReturnType<FileSystem["stat"]>> | null> {
    return this.#unlessMissing(() => this.#fs.stat(path));
  }

  async #unlink(path: string): Promise<void> {
    await this.#unlessMissing(() => this.#fs.unlink(path));
  }

  async #unlessMissing<T>(task: () => Promise<T>): Promise<T | null> {
    try {
      return await task();
    } catch (error) {
      if (isSystemError(error, "ENOENT")) return null;
      throw error;
    }
  }
}

const MAX_KNOWN = 10_000;
/** How the name of a file ends that is still being written. */
export const TEMPORARY = ".tmp";

/** The generations that the names tell of, highest first. */
function generationsAmong(names: readonly string[], encodedId: string): number[] {
  const generations = names.flatMap((name) => {
    if (!name.startsWith(`${encodedId}.`)) return [];
    const parsed = parseFileName(name);
    return parsed?.encodedId === encodedId ? [parsed.generation] : [];
  });
  return generations.sort((a, b) => b - a);
}
