import { type MemoryBackend, MemoryError, type Revision, type Snapshot } from "@deep-agent/core";
import {
  checkAppend,
  checkCall,
  checkList,
  checkRead,
  checkSave,
  type LogCapability,
  newId,
  type ReadOptions,
} from "@deep-agent/core/adapter";
import type { ConformanceTarget } from "../../src/index.ts";
import type { KitRecord } from "../../src/kit-records.ts";

/** An entry, with its records as JSON texts. No other entry has its mark, not even one that takes its place. */
interface Entry {
  readonly operationId: string;
  readonly texts: readonly string[];
  readonly mark: string;
}

interface Log {
  epoch: string;
  entries: Entry[];
  readonly saves: Set<string>;
  /** The ids of appends that the last save kept known, oldest first. */
  readonly kept: readonly string[];
  /** How many entries the last save made. */
  readonly saved: number;
}

/**
 * How many entries the log had at a revision; `"lost"` if it is the same log but lacks some of them; `"other"` if it is
 * another log.
 */
export type Standing = number | "lost" | "other";

/** A log in arrays that can lose acknowledged entries. */
export interface LosingBackend extends MemoryBackend<KitRecord>, LogCapability<KitRecord> {
  /** Loses the newest entry of a memory. */
  lose(memoryId: string): void;
}

/** Revisions are `<epoch>.<entries>.<mark of the last entry>`. A mutant judges them in its own way. */
export function losingBackend(standing: (log: Log, revision: Revision) => Standing = standingOf): LosingBackend {
  const logs = new Map<string, Log>();
  const expect = (memoryId: string, expected: Revision | null | undefined): void => {
    const log = logs.get(memoryId);
    if (expected === undefined || expected === (log === undefined ? null : revisionOf(log))) return;
    throw conflict(memoryId);
  };

  return {
    async load(memoryId, options) {
      checkCall(memoryId, options);
      const log = logs.get(memoryId);
      return log === undefined ? null : recordsOf(log.entries);
    },

    async save(memoryId, records, options = {}) {
      const texts = checkSave(memoryId, records, options);
      const { operationId, expectedRevision, keepOperations = false } = options;
      const { saves, ...before } = logs.get(memoryId) ?? newLog();
      if (operationId !== undefined && saves.has(operationId)) return;
      expect(memoryId, expectedRevision);
      if (operationId !== undefined) saves.add(operationId);
      const appended = before.entries.slice(before.saved).map((one) => one.operationId);
      const kept = keepOperations ? [...before.kept, ...appended].slice(-64) : [];
      const entries = texts.map((text) => entry(newId(), [text]));
      logs.set(memoryId, { epoch: newId(), entries, saves, kept, saved: entries.length });
    },

    async delete(memoryId, options) {
      checkCall(memoryId, options);
      logs.delete(memoryId);
    },

    async list(options = {}) {
      checkList(options);
      return [...logs.keys()].filter((memoryId) => memoryId.startsWith(options.prefix ?? ""));
    },

    async append(memoryId, records, options = {}) {
      const texts = checkAppend(memoryId, records, options);
      const { operationId = newId(), since, expectedRevision } = options;
      const log = logs.get(memoryId) ?? newLog();
      const isNew = !logs.has(memoryId);
      const known = since === undefined || since === null ? since : standing(log, since);
      const searched = known === undefined ? log.entries.length - 64 : typeof known === "number" ? known : 0;
      const found = log.entries.findLastIndex((one, at) => at >= searched && one.operationId === operationId);
      if (found !== -1) return revisionOf(log, found + 1);
      if (typeof known !== "number" && log.kept.includes(operationId)) return revisionOf(log, log.saved);
      const continues = known === undefined || (known === null ? isNew : typeof known === "number" && !isNew);
      if (!continues) throw conflict(memoryId);
      expect(memoryId, expectedRevision);
      log.entries.push(entry(operationId, texts));
      logs.set(memoryId, log);
      return revisionOf(log);
    },

    async read(memoryId, options = {}) {
      checkRead(memoryId, options);
      const log = logs.get(memoryId);
      if (log === undefined) return null;
      const place = options.since ?? options.before;
      return page(log, options, place === undefined ? undefined : standing(log, place));
    },

    lose(memoryId) {
      logs.get(memoryId)?.entries.pop();
    },
  };
}

function newLog(): Log {
  return { epoch: newId(), entries: [], saves: new Set(), kept: [], saved: 0 };
}

function page(log: Log, { last, since, before }: ReadOptions, known: Standing | undefined): Snapshot<KitRecord> {
  const place = typeof known === "number" ? known : undefined;
  const floor = since === undefined ? 0 : (place ?? 0);
  const end = before === undefined ? log.entries.length : (place ?? log.entries.length);
  let from = last === undefined ? floor : end;
  for (let held = 0; from > floor && held < (last ?? 0); ) held += log.entries[--from]?.texts.length ?? 0;
  return {
    records: recordsOf(log.entries.slice(from, end)),
    revision: revisionOf(log),
    start: from === 0 ? null : revisionOf(log, from),
    reset: typeof known === "string" || (since !== undefined && from > floor),
    regressed: known === "lost",
  };
}

function standingOf({ epoch, entries }: Log, revision: Revision): Standing {
  const [name, position, mark] = revision.split(".");
  if (name !== epoch) return "other";
  const count = Number(position);
  return count === 0 || entries[count - 1]?.mark === mark ? count : "lost";
}

function revisionOf({ epoch, entries }: Log, position: number = entries.length): Revision {
  return `${epoch}.${position}.${entries[position - 1]?.mark ?? ""}`;
}

function entry(operationId: string, texts: readonly string[]): Entry {
  return { operationId, texts, mark: newId() };
}

function recordsOf(entries: readonly Entry[]): KitRecord[] {
  return entries.flatMap(({ texts }) => texts.map((text) => JSON.parse(text) as KitRecord));
}

function conflict(memoryId: string): MemoryError {
  return new MemoryError("CONFLICT", "Nothing was written: its revision is not the expected one.", { memoryId });
}

export function losingTarget(name: string, open: () => LosingBackend): ConformanceTarget {
  return { name, open, lose: (backend, memoryId) => (backend as LosingBackend).lose(memoryId) };
}
