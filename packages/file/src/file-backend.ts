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
  type PingResult,
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
import { SharedDirectoryWarning } from "./shared-directory.ts";

/**
 * Keeps memories as files: each memory is an append-only log of JSON lines. Several processes may write to one memory
 * at the same time, without a lock. A process that is killed at any moment leaves no half turn. The README of the
 * package describes the layout.
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
  /** `"file"`: what errors and events call this backend. */
  readonly name: string = BACKEND;
  /** The absolute path of the directory that holds the files. */
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #generations: Generations;
  readonly #log: FileLogs<T>;
  readonly #catalogue: Catalogue;
  readonly #shared: SharedDirectoryWarning;
  readonly #calls = new CallTracker(() => closed("FileBackend", BACKEND));

  /** Takes a directory or options. Default directory: `~/.deep-agent/memories`. Throws `INVALID_CONFIG`. */
  constructor(options: string | FileBackendOptions = {}) {
    const given = typeof options === "string" ? { directory: options } : options;
    checkOptions(given);
    const { durability = "sync", onCorrupt = "throw", fileSystem = nodeFileSystem } = given;
    this.directory = resolve(given.directory ?? defaultDirectory());
    this.#fs = fileSystem;
    this.#shared = new SharedDirectoryWarning(fileSystem, this.directory, warnOf(BACKEND));
    const generations = (policy: CorruptPolicy): Generations =>
      new Generations(this.directory, fileSystem, durability === "sync", damageHandlerOf(fileSystem, policy));
    this.#generations = generations(onCorrupt);
    const { compactAt = 0.5, compactMinBytes = 256 * 1024 } = given;
    const isDue = ({ dead, size }: { dead: number; size: number }): boolean =>
      compactAt !== false && size >= compactMinBytes && dead > compactAt * size;
    this.#log = new FileLogs(this.#generations, durability === "sync", { isDue });
    // For the catalogue damage always counts: a damaged log is not empty, so it must not be removed as an empty one.
    this.#catalogue = new Catalogue(generations("throw"), fileSystem);
  }

  /**
   * All records, oldest first; `null`: there is no such memory. Reads the whole log. Rejects with `CORRUPT` for damage.
   */
  async load(memoryId: string, options: CallOptions = {}): Promise<T[] | null> {
    checkCall(memoryId, options);
    const snapshot = await this.#run("read", memoryId, () => this.#log.read(memoryId, { signal: options.signal }));
    return snapshot === null ? null : snapshot.records;
  }

  /**
   * Replaces the whole memory in one step, and may then compact the file. Rejects with `CONFLICT` if the memory is not
   * at `expectedRevision`, and with `RECORD_TOO_LARGE` above 1 GiB. The same `operationId` again changes nothing.
   */
  async save(memoryId: string, records: readonly T[], options: SaveOptions = {}): Promise<void> {
    const texts = checkSave(memoryId, records, options);
    const own = { ...options };
    await this.#run("write", memoryId, () => this.#log.save(memoryId, texts, own));
  }

  /** Removes the memory and all its text from the directory. An absent memory is not an error. */
  async delete(memoryId: string, options: CallOptions = {}): Promise<void> {
    checkCall(memoryId, options);
    await this.#run("delete", memoryId, () => this.#log.delete(memoryId, options.signal), "unknown");
  }

  /** The ids that start with `prefix`, in any order; default: all ids. Reads the directory: O(files). */
  async list(options: ListOptions = {}): Promise<string[]> {
    checkList(options);
    return this.#run("list", undefined, () => this.#catalogue.list(options.prefix ?? "", options.signal));
  }

  /**
   * Adds one entry after all earlier ones, and answers the new revision. The same `operationId` again changes nothing.
   * Rejects with `CONFLICT` if the memory is not at `expectedRevision`, or no longer continues `since`; with
   * `RECORD_TOO_LARGE` above 64 MiB; with `UNAVAILABLE` after losing the race to other writers 300 times.
   */
  async append(memoryId: string, records: readonly T[], options: AppendOptions = {}): Promise<Revision> {
    const texts = checkAppend(memoryId, records, options);
    const own = { ...options };
    return this.#run("write", memoryId, () => this.#log.append(memoryId, texts, own));
  }

  /** The part that the options ask for, in whole entries; `null`: there is no such memory. */
  async read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot<T> | null> {
    checkRead(memoryId, options);
    const own = { ...options };
    return this.#run("read", memoryId, () => this.#log.read(memoryId, own));
  }

  /**
   * Checks that the directory can be used: writes and removes a file, and reads the directory. `latencyMs` is in ms.
   */
  async ping(options: CallOptions = {}): Promise<PingResult> {
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

  /**
   * Size and times of a memory; `null`: there is no such memory. Reads the whole log. `bytes` is the size of the file,
   * including what saves have replaced. `expiresAt` is always `null`.
   */
  async info(memoryId: string, options: CallOptions = {}): Promise<MemoryInfo | null> {
    checkCall(memoryId, options);
    return this.#run("read", memoryId, () => this.#log.info(memoryId, options.signal));
  }

  /**
   * A page of memories, the most recently written first, by the modification times of the files. Reads the directory
   * and the time of each file: O(files). Rejects with `INVALID_ARGUMENT` for a `cursor` that no page had.
   */
  async recent(options: RecentOptions): Promise<RecentPage> {
    checkRecent(options);
    const own = { ...options };
    return this.#run("list", undefined, () => this.#catalogue.recent(own));
  }

  /**
   * Makes the file of a memory smaller: removes lines that were torn, lines that lost a race, and what saves have
   * replaced. Neither the stored records nor any revision changes, and others may read and write meanwhile. Answers the
   * sizes before and after; `null`: there is no such memory.
   *
   * Reads the whole log, and needs room on the disk for the new file. Rejects with `CORRUPT` if the log is damaged,
   * unless `onCorrupt` is `"skip"`; with `CAPACITY` if the disk is full; with `UNAVAILABLE` if others write without a
   * pause. In each of these cases everything stays as it is.
   *
   * ```ts
   * await backend.compact("user-alice"); // { before: 1048576, after: 4096 }
   * ```
   */
  async compact(memoryId: string, options: CallOptions = {}): Promise<Compacted | null> {
    checkCall(memoryId, options);
    return this.#run("compact", memoryId, () => this.#log.compact(memoryId, options.signal));
  }

  /** Waits for the calls in flight. Later calls throw `CLOSED`; closing again is fine. */
  async close(): Promise<void> {
    await this.#calls.end();
  }

  /** Calls {@link close}, for `await using`. */
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
        if (this.#shared.isDue) await this.#shared.check();
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
      warn(`skipped ${bytes} bytes of a torn write at byte ${offset} of ${path}`, memoryId),
    async damaged(memoryId, path, offset, raw) {
      if (onCorrupt === "throw") throw corrupt(memoryId, path, offset, "the line there is not what was written");
      const aside = await quarantine(fs, path, offset, raw);
      warn(`skipped a damaged line at byte ${offset} of ${path}, and copied it to ${aside}`, memoryId);
    },
  };
}
