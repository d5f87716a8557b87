import {
  type MemoryBackend,
  MemoryError,
  type Message,
  type Revision,
  type SaveOptions,
  type Snapshot,
} from "@deep-agent/core";
import {
  type AppendOptions,
  checkAppend,
  checkCall,
  checkList,
  checkRead,
  checkSave,
  type LogCapability,
  newId,
  type ReadOptions,
} from "@deep-agent/core/adapter";

interface Log {
  epoch: string;
  /** How many entries came with the save that began the log. They are lost together or not at all. */
  saved: number;
  entries: { operationId: string; mark: string; texts: string[] }[];
}

/**
 * A log in arrays that can be rolled back to an earlier state, as by a failover. Revisions are
 * `<epoch>.<entries>.<mark of the last entry>`, so that the log can recognize a lost one.
 */
export class RollingLog implements MemoryBackend, LogCapability {
  readonly #logs = new Map<string, Log>();

  /** How many entries can be lost: all but the first write. */
  losable(memoryId: string): number {
    const log = this.#logs.get(memoryId);
    return log === undefined ? 0 : log.entries.length - Math.max(1, log.saved);
  }

  /** Loses the newest entries. */
  rollBack(memoryId: string, entries: number): void {
    if (entries > 0) this.#logs.get(memoryId)?.entries.splice(-entries);
  }

  async load(memoryId: string, options: object = {}): Promise<Message[] | null> {
    checkCall(memoryId, options);
    const log = this.#logs.get(memoryId);
    return log === undefined ? null : recordsOf(log.entries);
  }

  async save(memoryId: string, records: readonly Message[], options: SaveOptions = {}): Promise<void> {
    const texts = checkSave(memoryId, records, options);
    const entries = texts.map((text) => ({ operationId: newId(), mark: newId(), texts: [text] }));
    this.#logs.set(memoryId, { epoch: newId(), saved: entries.length, entries });
  }

  async append(memoryId: string, records: readonly Message[], options: AppendOptions = {}): Promise<Revision> {
    const texts = [...checkAppend(memoryId, records, options)];
    const { operationId = newId(), since, expectedRevision } = options;
    const log = this.#logs.get(memoryId);
    const at = log?.entries.findIndex((entry) => entry.operationId === operationId) ?? -1;
    if (log !== undefined && at >= 0) return revisionAt(log, at + 1);
    const moved =
      typeof since === "string"
        ? log === undefined || standing(log, since) === null
        : since === null && log !== undefined;
    const now = log === undefined ? null : revisionAt(log, log.entries.length);
    if (moved || (expectedRevision !== undefined && expectedRevision !== now)) {
      throw new MemoryError("CONFLICT", "The log's revision is not the expected one.", { memoryId });
    }
    const written = log ?? { epoch: newId(), saved: 0, entries: [] };
    written.entries.push({ operationId, mark: newId(), texts });
    this.#logs.set(memoryId, written);
    return revisionAt(written, written.entries.length);
  }

  async read(memoryId: string, options: ReadOptions = {}): Promise<Snapshot | null> {
    checkRead(memoryId, options);
    const log = this.#logs.get(memoryId);
    if (log === undefined) return null;
    const { last = Number.POSITIVE_INFINITY, since, before } = options;
    const known = since ?? before;
    const position = known === undefined ? undefined : standing(log, known);
    const floor = since === undefined ? 0 : (position ?? 0);
    const end = before === undefined ? log.entries.length : (position ?? log.entries.length);
    let from = end;
    for (let records = 0; from > floor && records < last; from--) records += log.entries[from - 1]?.texts.length ?? 0;
    return {
      records: recordsOf(log.entries.slice(from, end)),
      revision: revisionAt(log, log.entries.length),
      start: from === 0 ? null : revisionAt(log, from),
      reset: position === null || (since !== undefined && from > floor),
      regressed: position === null && known?.startsWith(`${log.epoch}.`) === true,
    };
  }

  async delete(memoryId: string, options: object = {}): Promise<void> {
    checkCall(memoryId, options);
    this.#logs.delete(memoryId);
  }

  async list(options: { prefix?: string } = {}): Promise<string[]> {
    checkList(options);
    return [...this.#logs.keys()].filter((memoryId) => memoryId.startsWith(options.prefix ?? ""));
  }
}

function recordsOf(entries: Log["entries"]): Message[] {
  // The texts hold messages: only this class writes them.
  return entries.flatMap(({ texts }) => texts.map((text) => JSON.parse(text) as Message));
}

function revisionAt({ epoch, entries }: Log, position: number): Revision {
  return `${epoch}.${position}.${entries[position - 1]?.mark ?? "begin"}`;
}

/** How many entries the log had at that revision; `null` if it does not hold them any more. */
function standing(log: Log, revision: Revision): number | null {
  const position = Number(revision.split(".")[1]);
  return position <= log.entries.length && revisionAt(log, position) === revision ? position : null;
}
