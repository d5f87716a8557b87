import { join, resolve } from "node:path";
import {
  type AppendOptions,
  type CallOptions,
  CallTracker,
  type CatalogueCapability,
  checkAppend,
  checkCall,
  checkOptions as checkCallOptions,
  checkList,
  checkRead,
  checkRecent,
  checkSave,
  closed,
  type HealthCapability,
  type InfoCapability,
  type LifecycleCapability,
  type ListOptions,
  type LogCapability,
  type MemoryBackend,
  type MemoryInfo,
  type Message,
  type Outcome,
  type ReadOptions,
  type RecentOptions,
  type RecentPage,
  type Revision,
  type SaveOptions,
  type Snapshot,
  warnOf,
} from "@deep-agent/core/adapter";
import { Catalogue } from "./catalogue.ts";
import type { Compacted } from "./compaction.ts";
import { BACKEND, corrupt, fileError } from "./file-error.ts";
import { FileLogs } from "./file-logs.ts";
import { temporaryName } from "./file-name.ts";
import { type CorruptPolicy, checkOptions, defaultDirectory, type FileBackendOptions } from "./file-options.ts";
import { type FileSystem, nodeFileSystem } from "./file-system.ts";
import { Generations } from "./generations.ts";
import type { DamageHandler } from "./log-file.ts";
import { quarantine } from "./quarantine.ts";

/**
 * Memories as files: one append-only log each, in JSON lines. Several processes may write to one memory at the same time,
 * without a lock; a process killed at any moment leaves no half turn. The layout is in the package's README.
 *
 * ```ts
 * const backend = new FileBackend("./memories");
 * ```
 *
 * It has every capability but `expiry`. Nothing is read or made before the first call.
 */
export class FileBackend<T extends object = Message>
  implements
    MemoryBackend<T>,
    LogCapability<T>,
    HealthCapability,
    LifecycleCapability,
    InfoCapability,
    CatalogueCapability
{
  readonly name: string = BACKEND;
  /** The absolute path of the directory that holds the files. */
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #generations: Generations;
  readonly #log: FileLogs<T>;
  readonly #catalogue: Catalogue;
  readonly #calls = new CallTracker(() => closed("FileBackend", BACKEND));

  /** Takes a directory or options; default `~/.deep-agent/memories`. Throws `INVALID_CONFIG`. */
  constructor(options: string | FileBackendOptions = {}) {
    const given = typeof options === "string" ? { directory: options } : options;
    checkOptions(given);
    const { durability = "sync", onCorrupt = "throw", fileSystem = nodeFileSystem } = given;
    this.directory = resolve(given.directory ?? defaultDirectory());
    this.#fs = fileSystem;
    const generations = (policy: CorruptPolicy): Generations =>
      new Generations(this.directory, fileSystem, durability === "sync", damageHandlerOf(fileSystem, policy));
    this.#generations = generations(onCorrupt);
    const { compactAt = 0.5, compactMinBytes = 256 * 1024 } = given;
    const isDue = ({ dead, size }: { dead: number; size: number }): boolean =>
      compactAt !== false && size >= compactMinBytes && dead > compactAt * size;
    this.#log = new FileLogs(this.#generations, durability === "sync", { isDue });
    // What is damaged is not empty, whatever its readers do about it: nothing of it may be swept away.
    this.#catalogue = new Catalogue(generations("throw"), fileSystem);
  }

  async load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    checkCall(memoryId, options);
    const snapshot = await this.#run("read", memoryId, () => this.#log.read(memoryId, { signal: options.signal }));
    return snapshot === null ? null : snapshot.records;
  }

  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const texts = checkSave(memoryId, records, options);
    await this.#run("write", memoryId, () => this.#log.save(memoryId, texts, options));
  }

  async delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    checkCall(memoryId, options);
    await this.#run("delete", memoryId, () => this.#log.delete(memoryId, options.signal), "unknown");
  }

  /** Reads the directory: O(files). */
  async list(options: ListOptions = {}): Promise<string[]> {
    checkList(options);
    return this.#run("list", undefined, () => this.#catalogue.list(options.prefix ?? "", options.signal));
  }

  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const texts = checkAppend(memoryId, records, options);
    return this.#run("write", memoryId, () => this.#log.append(memoryId, texts, options));
  }

  async read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot<T> | null> {
    checkRead(memoryId, options);
    return this.#run("read", memoryId, () => this.#log.read(memoryId, options));
  }

  /** Writes and removes a file, and reads the directory. */
  async ping(options: CallOptions = {}): Promise<{ latencyMs: number }> {
    checkCallOptions(options);
    const started = performance.now();
    await this.#run("write", undefined, async () => {
      await this.#generations.prepare();
      const path = join(this.directory, temporaryName("~"));
      await (await this.#fs.open(path, "wx")).close();
      await this.#fs.unlink(path);
      await this.#fs.readdir(this.directory);
    });
    return { latencyMs: performance.now() - started };
  }

  /** Reads the whole log. `bytes` is the size of the file, with what was replaced; `expiresAt` is always `null`. */
  async info(memoryId: string, options: CallOptions = {}): Promise<MemoryInfo | null> {
    checkCall(memoryId, options);
    return this.#run("read", memoryId, () => this.#log.info(memoryId, options.signal));
  }

  /** By the files' modification times. Reads the directory and asks for the time of each file: O(files). */
  async recent(options: RecentOptions): Promise<RecentPage> {
    checkRecent(options);
    return this.#run("list", undefined, () => this.#catalogue.recent(options));
  }

  /**
   * Makes the memory's file as small as what is stored in it: without what saves have replaced, what was torn and what lost a
   * race. Nothing that is stored changes, nor does any revision; others may read and write meanwhile. Answers how many bytes
   * the file had and has; `null`: there is no such memory.
   *
   * Reads the whole log, and needs room for what is left. Rejects with `CORRUPT` where the log is damaged, unless the backend
   * skips what is damaged; with `UNAVAILABLE` where others write without a pause. Either way everything stays as it is.
   *
   * ```ts
   * await backend.compact("user-alice"); // { before: 1048576, after: 4096 }
   * ```
   */
  async compact(memoryId: string, options: CallOptions = {}): Promise<Compacted | null> {
    checkCall(memoryId, options);
    return this.#run("compact", memoryId, () => this.#log.compact(memoryId, options.signal));
  }

  async close(): Promise<void> {
    await this.#calls.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<R>(
    doing: string,
    memoryId: string | undefined,
    task: () => Promise<R>,
    outcome: Outcome = "not-applied",
  ): Promise<R> {
    return this.#calls.run(async () => {
      try {
        return await task();
      } catch (error) {
        throw fileError(error, doing, this.directory, memoryId, outcome);
      }
    });
  }
}

function damageHandlerOf(fs: FileSystem, onCorrupt: CorruptPolicy): DamageHandler {
  const warn = warnOf(BACKEND);
  return {
    torn: (memoryId, path, offset, bytes) =>
      warn(`${bytes} bytes of a torn write are passed over at byte ${offset} of ${path}`, memoryId),
    async damaged(memoryId, path, offset, raw) {
      if (onCorrupt === "throw") throw corrupt(memoryId, path, offset, "the line there is not what was written");
      const aside = await quarantine(fs, path, offset, raw);
      warn(`a damaged line is skipped at byte ${offset} of ${path}, and kept in ${aside}`, memoryId);
    },
  };
}
