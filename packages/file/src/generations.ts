import { dirname, join } from "node:path";
import type { Outcome } from "@deep-agent/core/adapter";
import { diskFull, fileError, flushFailedBefore, isFlushFailure, isSystemError, unlessMissing } from "./file-error.ts";
import { encodeId, fileName, isTemporaryOf, parseFileName, temporaryName } from "./file-name.ts";
import type { FileSystem } from "./file-system.ts";
import { type DamageHandler, LogFile } from "./log-file.ts";
import { quarantinedLogOf } from "./quarantine.ts";

/**
 * The files of a directory, as generations of memories.
 *
 * The log of a memory is its file of the highest generation. A file is written whole under a temporary name and
 * published by link(2), which fails if another process was first. A delete publishes an empty next generation; a
 * compaction publishes one with what still counts. Then the older generations are unlinked, oldest first. So a process
 * that has generation g open finds out by looking for g + 1 whether it is still the log of the memory.
 */
export class Generations {
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #durable: boolean;
  readonly #handler: DamageHandler;
  /** The generation that was the highest at the last look, and its epoch. Saves reading the directory. */
  readonly #known = new Map<string, Known>();
  /**
   * A flush of the names has failed. The system may have dropped what it could not write, and would not report that
   * again.
   */
  #namesLost = false;

  constructor(directory: string, fs: FileSystem, durable: boolean, handler: DamageHandler) {
    this.directory = directory;
    this.#fs = fs;
    this.#durable = durable;
    this.#handler = handler;
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

  /** Whether the log is still that of the memory, and still has its name. */
  async isCurrent(log: LogFile): Promise<boolean> {
    // The order matters. Older files are unlinked first: if the newer file was missing because it is already gone, then
    // the name of this log is gone, too.
    const newer = await this.#fs.stat(this.#path(log.memoryId, log.generation + 1));
    const [open, named] = await Promise.all([log.stat(), this.#fs.stat(log.path)]);
    const current = named?.identity === open.identity && newer === null;
    if (!current) this.#known.delete(log.memoryId);
    return current;
  }

  /** Publishes the first file of a memory; `false`: another process was first. */
  async create(memoryId: string, epoch: string, content: Buffer): Promise<boolean> {
    const publication = { memoryId, generation: 1, content: [content], durable: this.#durable };
    return (await this.#publish(publication)) && this.#standsHighest(publication, epoch);
  }

  /** Publishes the generation after `log`, with only a header; `false`: another process was first. */
  publishNext({ memoryId, generation }: LogFile, header: Buffer): Promise<boolean> {
    return this.#publish({ memoryId, generation: generation + 1, content: [header], durable: this.#durable });
  }

  /**
   * Publishes the generation in which `log` continues, with the modification time of `log` (µs since 1970). `false`:
   * another process was first, or `permit`, which is called when everything is written, answered `false`. Always
   * flushed, because its content may have been acknowledged as flushed.
   */
  async publishSuccessor(
    { memoryId, generation, epoch }: LogFile,
    content: AsyncIterable<Buffer>,
    modifiedAt: number,
    permit?: () => Promise<boolean>,
  ): Promise<boolean> {
    const publication = { memoryId, generation: generation + 1, content, durable: true, modifiedAt, permit };
    return (await this.#publish(publication)) && this.#standsHighest(publication, epoch);
  }

  /**
   * Whether the published file is the log of the memory. Between the last look and the link, other processes may have
   * made or continued the memory, and deleted it: then their file counts, and this one is removed.
   */
  async #standsHighest({ memoryId, generation, durable }: Publication, epoch: string): Promise<boolean> {
    const path = this.#path(memoryId, generation);
    try {
      const published = await this.#fs.stat(path);
      const [highest] = await this.#generationsOf(memoryId);
      if (highest === generation) {
        this.#remember(memoryId, { generation, epoch, nameFlushed: durable });
        return true;
      }
      if (published !== null && highest !== undefined) await this.#unlinkIf(path, published.identity);
      return false;
    } catch (error) {
      throw fileError(error, "write", path, memoryId, "unknown");
    }
  }

  /** Unlinks all files of the memory except its highest generation and the copies of damaged lines of that one. */
  async removeOlder(memoryId: string): Promise<void> {
    const names = await this.names();
    const encodedId = encodeId(memoryId);
    const [highest, ...older] = generationsAmong(names, encodedId);
    // Oldest first, so that every remaining file except the highest has a successor.
    for (const generation of older.reverse()) await this.#unlinkOlder(memoryId, generation, highest ?? generation);
    for (const name of names) {
      const kept = parseFileName(quarantinedLogOf(name) ?? "");
      const isLeft = kept?.encodedId === encodedId && kept.generation !== highest;
      // A killed writer leaves the text that it was about to publish. A writer that is still alive begins again.
      if (isLeft || isTemporaryOf(name, encodedId)) await this.#unlink(join(this.directory, name));
    }
  }

  /**
   * Unlinks a generation, unless another process has done so and another began the memory again under its name. While
   * there is a higher generation, no process begins it again.
   */
  async #unlinkOlder(memoryId: string, generation: number, highest: number): Promise<void> {
    const path = this.#path(memoryId, generation);
    const older = await this.#fs.stat(path);
    const successor = await this.#fs.stat(this.#path(memoryId, highest));
    if (older !== null && successor !== null) await this.#unlinkIf(path, older.identity);
  }

  async #unlinkIf(path: string, identity: string): Promise<void> {
    const named = await this.#fs.stat(path);
    if (named?.identity === identity) await this.#unlink(path);
  }

  /** Unlinks a sealed log: nothing can be stored in it any more. */
  async remove(log: LogFile): Promise<void> {
    this.#known.delete(log.memoryId);
    const { identity } = await log.stat();
    await this.#unlinkIf(log.path, identity);
  }

  /** The names of all files in the directory; `[]` if there is no directory. */
  async names(): Promise<string[]> {
    return (await unlessMissing(() => this.#fs.readdir(this.directory))) ?? [];
  }

  /** Makes the directory and its parents if they are missing. */
  async prepare(directory: string = this.directory): Promise<void> {
    try {
      const made = await this.#fs.mkdir(directory);
      if (made && this.#durable) await this.#flushNames(dirname(directory));
    } catch (error) {
      if (!isSystemError(error, "ENOENT")) throw error;
      await this.prepare(dirname(directory));
      await this.prepare(directory);
    }
  }

  /**
   * Flushes the name of the log, unless this process knows that it is flushed: its writer may have been killed before
   * that.
   */
  async flushName(log: LogFile, outcome: Outcome): Promise<void> {
    const highest = this.#known.get(log.memoryId);
    const known = highest?.epoch === log.epoch && highest.generation === log.generation ? highest : undefined;
    if (known?.nameFlushed) return;
    if (this.#namesLost) throw flushFailedBefore(log.memoryId, this.directory, outcome);
    await this.#flushNames(this.directory);
    if (known !== undefined) known.nameFlushed = true;
  }

  async #openKnown(memoryId: string, known: Known): Promise<LogFile | "gone"> {
    if ((await this.#fs.stat(this.#path(memoryId, known.generation + 1))) !== null) return "gone";
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
    let isSealed: boolean;
    try {
      const { end } = await log.stat();
      isSealed = await log.isSealed(end);
      // The process that sealed it may have been killed before it removed it.
      if (isSealed) await this.remove(log);
    } catch (error) {
      await log.close();
      throw error;
    }
    if (isSealed) {
      await log.close();
      return "gone";
    }
    this.#remember(memoryId, { generation: log.generation, epoch: log.epoch, nameFlushed: false });
    return log;
  }

  async #openGeneration(memoryId: string, generation: number): Promise<LogFile | null> {
    const path = this.#path(memoryId, generation);
    const file = await unlessMissing(() => this.#fs.open(path, "a+"));
    if (file === null) return null;
    try {
      return await LogFile.open(memoryId, path, generation, file, this.#handler);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #remember(memoryId: string, known: Known): void {
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(memoryId, known);
  }

  async #publish(publication: Publication): Promise<boolean> {
    const { memoryId, generation, durable, permit } = publication;
    const path = this.#path(memoryId, generation);
    if (this.#namesLost) throw flushFailedBefore(memoryId, this.directory, "not-applied");
    const temporary = join(this.directory, temporaryName(encodeId(memoryId)));
    let outcome: Outcome = "not-applied";
    try {
      await this.prepare();
      try {
        await this.#writeWhole(temporary, publication);
        if (permit !== undefined && !(await permit())) return false;
        outcome = "unknown";
        return await this.#link(temporary, path, durable);
      } finally {
        await this.#unlink(temporary);
      }
    } catch (error) {
      throw fileError(error, "write", path, memoryId, outcome);
    }
  }

  async #writeWhole(path: string, { content, durable, modifiedAt }: Publication): Promise<void> {
    const file = await this.#fs.open(path, "wx");
    try {
      for await (const bytes of content) if ((await file.write(bytes)) < bytes.length) throw diskFull();
      if (modifiedAt !== undefined) await file.setModified(modifiedAt);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
  }

  async #link(temporary: string, path: string, durable: boolean): Promise<boolean> {
    try {
      await this.#fs.link(temporary, path);
    } catch (error) {
      // Another process was first, or deletes the memory and with it this temporary file.
      if (isSystemError(error, "EEXIST") || isSystemError(error, "ENOENT")) return false;
      throw error;
    }
    if (durable) await this.#flushNames(this.directory);
    return true;
  }

  async #flushNames(directory: string): Promise<void> {
    try {
      await this.#fs.syncDirectory(directory);
    } catch (error) {
      // A compaction flushes whatever the durability is. With "os", no flush was promised, so a failed one loses
      // nothing.
      this.#namesLost ||= this.#durable && isFlushFailure(error);
      throw error;
    }
  }

  /** Highest first. */
  async #generationsOf(memoryId: string): Promise<number[]> {
    return generationsAmong(await this.names(), encodeId(memoryId));
  }

  #path(memoryId: string, generation: number): string {
    return join(this.directory, fileName(encodeId(memoryId), generation));
  }

  async #unlink(path: string): Promise<void> {
    await unlessMissing(() => this.#fs.unlink(path));
  }
}

/** A file to be published. */
interface Publication {
  memoryId: string;
  generation: number;
  content: Iterable<Buffer> | AsyncIterable<Buffer>;
  /** Whether the file and its name are flushed. */
  durable: boolean;
  /** The modification time that it is given: µs since 1970. Default: the time of the write. */
  modifiedAt?: number;
  /** Called before the file gets its name; `false`: it does not get it. */
  permit?: (() => Promise<boolean>) | undefined;
}

const MAX_KNOWN = 10_000;

interface Known {
  generation: number;
  epoch: string;
  nameFlushed: boolean;
}

/** The generations of a memory among the names, highest first. */
function generationsAmong(names: readonly string[], encodedId: string): number[] {
  const generations = names.flatMap((name) => {
    if (!name.startsWith(`${encodedId}.`)) return [];
    const parsed = parseFileName(name);
    return parsed?.encodedId === encodedId ? [parsed.generation] : [];
  });
  return generations.sort((a, b) => b - a);
}
