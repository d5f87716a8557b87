import { join } from "node:path";
import {
  invalidCursor,
  MemoryError,
  newId,
  quoteId,
  type RecentMemory,
  type RecentOptions,
  type RecentPage,
} from "@deep-agent/core/adapter";
import { BACKEND, corrupt, unlessMissing } from "./file-error.ts";
import { decodeId, encodeId, isTemporary, parseFileName } from "./file-name.ts";
import type { FileSystem } from "./file-system.ts";
import type { Generations } from "./generations.ts";
import { encodeHeader, readHeader } from "./header.ts";
import { encodeSeal, type LogFile } from "./log-file.ts";
import { now } from "./log-writing.ts";
import { quarantinedLogOf } from "./quarantine.ts";

/** A file that is not needed any more is removed once it is this old: by then, no process can still be using it. */
const DAY_NS = 24n * 60n * 60n * 1_000_000_000n;

interface Found {
  memoryId: string;
  path: string;
}

/** Lists the memories of a directory. Each call reads the directory: O(files). */
export class Catalogue {
  readonly #generations: Generations;
  readonly #fs: FileSystem;

  constructor(generations: Generations, fs: FileSystem) {
    this.#generations = generations;
    this.#fs = fs;
  }

  async list(prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
    const ids: string[] = [];
    for await (const { memoryId } of this.#memories(prefix, signal)) ids.push(memoryId);
    return ids;
  }

  /** Sorted by the modification times of the files; memories with the same time are sorted by their ids. */
  async recent({ limit, cursor, prefix = "", signal }: RecentOptions): Promise<RecentPage> {
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    const found: { memoryId: string; modifiedAt: bigint }[] = [];
    for await (const { memoryId, path } of this.#memories(prefix, signal)) {
      const stat = await this.#fs.stat(path);
      // In microseconds: a compaction keeps the time only to the microsecond, and must not move a memory to another
      // page.
      if (stat !== null) found.push({ memoryId, modifiedAt: (stat.modifiedAt / 1_000n) * 1_000n });
    }
    found.sort(newestFirst);
    const rest = after === undefined ? found : found.filter((memory) => newestFirst(memory, after) > 0);
    const memories = rest.slice(0, limit);
    const last = memories.at(-1);
    return {
      memories: memories.map(
        ({ memoryId, modifiedAt }): RecentMemory => ({ memoryId, updatedAt: Number(modifiedAt / 1_000_000n) }),
      ),
      cursor: last === undefined || rest.length <= limit ? null : formatCursor(last),
    };
  }

  async *#memories(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<Found> {
    const names = await this.#generations.names();
    const highest = highestOf(names);
    for (const name of names) {
      const path = join(this.#generations.directory, name);
      if (isTemporary(name)) await this.#removeStale(path);
      // A reader copied it from a log while another process deleted that log.
      else if (isOrphan(name, highest)) await unlessMissing(() => this.#fs.unlink(path));
    }
    for (const [encodedId, { generation, name, alone }] of highest) {
      signal?.throwIfAborted();
      const path = join(this.#generations.directory, name);
      const memoryId = decodeId(encodedId) ?? (await this.#idInHeader(path, encodedId));
      if (memoryId === null || !memoryId.startsWith(prefix)) continue;
      // A process was killed while it deleted or compacted the memory. The older files go first: without the highest
      // one they would count again.
      if (!alone) await this.#generations.removeOlder(memoryId);
      if ((generation === 1 && (await this.#hasGrown(memoryId, path))) || (await this.#holdsMemory(memoryId))) {
        yield { memoryId, path };
      }
    }
  }

  #idInHeader(path: string, encodedId: string): Promise<string | null> {
    return unlessMissing(async () => {
      const file = await this.#fs.open(path, "r");
      try {
        const { id } = await readHeader(file, path, encodedId);
        if (encodeId(id) !== encodedId) throw corrupt(encodedId, path, 0, `it is the log of memory ${quoteId(id)}`);
        return id;
      } finally {
        await file.close();
      }
    });
  }

  /**
   * Whether a first generation holds more than its header. It is published with its first write, but may have been cut.
   * A later generation that holds only its header was left by a delete.
   */
  async #hasGrown(memoryId: string, path: string): Promise<boolean> {
    const stat = await this.#fs.stat(path);
    return stat !== null && stat.size > encodeHeader(memoryId, newId(), now()).length;
  }

  async #holdsMemory(memoryId: string): Promise<boolean> {
    try {
      return await this.#holdsLine(memoryId);
    } catch (error) {
      // A damaged memory exists. Reading it reports the damage.
      if (MemoryError.is(error, "CORRUPT")) return true;
      throw error;
    }
  }

  async #holdsLine(memoryId: string): Promise<boolean> {
    const log = await this.#generations.open(memoryId);
    if (log === null) return false;
    try {
      const { end, modifiedAt } = await log.stat();
      for await (const _line of log.back(end)) return true;
      if (isOld(modifiedAt)) await this.#sweep(log, end);
      return false;
    } finally {
      await log.close();
    }
  }

  /**
   * Removes the empty file that a delete left. It is sealed first, so that a writer about to use it loses the race and
   * begins again.
   */
  async #sweep(log: LogFile, end: number): Promise<void> {
    if (await log.append(encodeSeal(end), end)) await this.#generations.remove(log);
  }

  /** Removes a file that was never published, if its writer was probably killed: the file is old. */
  async #removeStale(path: string): Promise<void> {
    const stat = await this.#fs.stat(path);
    if (stat !== null && isOld(stat.modifiedAt)) await unlessMissing(() => this.#fs.unlink(path));
  }
}

/** Whether the file holds a damaged line of a memory that has no log any more. */
function isOrphan(name: string, highest: ReadonlyMap<string, Highest>): boolean {
  const kept = parseFileName(quarantinedLogOf(name) ?? "");
  return kept !== null && !highest.has(kept.encodedId);
}

interface Highest {
  generation: number;
  name: string;
  /** Whether this is the only generation of the memory. */
  alone: boolean;
}

function highestOf(names: readonly string[]): Map<string, Highest> {
  const highest = new Map<string, Highest>();
  for (const name of names) {
    const { encodedId, generation } = parseFileName(name) ?? {};
    if (encodedId === undefined || generation === undefined) continue;
    const other = highest.get(encodedId);
    if (other !== undefined) other.alone = false;
    if (other === undefined || generation > other.generation)
      highest.set(encodedId, { generation, name, alone: other === undefined });
  }
  return highest;
}

function isOld(modifiedAt: bigint): boolean {
  return BigInt(Date.now()) * 1_000_000n - modifiedAt > DAY_NS;
}

interface Position {
  memoryId: string;
  modifiedAt: bigint;
}

function newestFirst(a: Position, b: Position): number {
  if (a.modifiedAt !== b.modifiedAt) return a.modifiedAt > b.modifiedAt ? -1 : 1;
  return a.memoryId < b.memoryId ? -1 : a.memoryId > b.memoryId ? 1 : 0;
}

/** `<modification time in ns>/<memory id>`, in base64url. */
function formatCursor({ memoryId, modifiedAt }: Position): string {
  return Buffer.from(`${modifiedAt}/${memoryId}`).toString("base64url");
}

function parseCursor(cursor: unknown): Position {
  if (typeof cursor !== "string") throw invalidCursor(BACKEND);
  const [, modifiedAt, memoryId] = /^(\d{1,20})\/(.+)$/s.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  if (modifiedAt === undefined || memoryId === undefined) throw invalidCursor(BACKEND);
  return { modifiedAt: BigInt(modifiedAt), memoryId };
}
