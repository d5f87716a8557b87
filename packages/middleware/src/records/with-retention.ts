import {
  beginsTurn,
  checkOptions,
  checkSave,
  MemoryError,
  parseTtl,
  type ReadOptions,
  supports,
  type Ttl,
  warnOf,
} from "@deep-agent/core/adapter";
import { checkLayer, checkWhole, invalidConfig } from "../layer/check-options.ts";
import { codeOf } from "../layer/error-code.ts";
import { type AnyBackend, layered, type SameCapabilities, type WholeBackend, whole } from "../layer/layer.ts";

export interface RetentionOptions {
  /** How many records a memory keeps at most, give or take: see {@link withRetention}. */
  maxRecords?: number | undefined;
  /**
   * How old a record may be (`"30d"`, or ms), by its `createdAt` in ms since 1970, as messages have it. A record
   * without one is never too old.
   */
  maxAge?: Ttl | undefined;
}

/**
 * What a memory may hold beyond `maxRecords`, as a part of it, before it is cut: cutting costs what the memory holds.
 */
const SLACK = 1 / 4;

const warn = warnOf("retention");

/** How many memories are remembered with how much they hold. */
const MAX_REMEMBERED = 10_000;

/**
 * Bounds what memories keep, on any backend: the oldest records go first, up to where a turn begins, so that no turn
 * is left by halves.
 *
 * With a `log`, a memory is cut after an append once it has a quarter more than `maxRecords`, so that a turn costs
 * the same however long the conversation is: several processes may each add that much. A cut replaces the memory:
 * readers begin again. If a cut fails, the append does not; a warning says so, and a later cut makes up for it. What
 * is saved is cut before it is written.
 *
 * `maxAge` is looked at whenever a memory is cut, and by {@link enforceRetention}, for memories that nobody writes
 * to. Redis can do the first by itself, and cheaper: its own `maxRecords`. Throws `INVALID_CONFIG`.
 */
export function withRetention<B extends AnyBackend>(backend: B, options: RetentionOptions): SameCapabilities<B> {
  const limits = checkedLimits("withRetention", backend, options);
  const inner = whole(backend);
  /** How many more records a memory may get before it is looked at. */
  const room = new Map<string, number>();

  async function cutIfDue(memoryId: string, added: number): Promise<void> {
    const left = (room.get(memoryId) ?? 0) - added;
    if (left > 0) {
      room.set(memoryId, left);
      return;
    }
    try {
      const most = limits.maxRecords + slackOf(limits);
      await cut(inner, memoryId, limits, { last: Number.isFinite(most) ? most : undefined });
      if (room.size >= MAX_REMEMBERED) room.clear();
      room.set(memoryId, slackOf(limits));
    } catch (error) {
      warn(`it could not be cut to its limits (${codeOf(error)})`, memoryId);
    }
  }

  const passedOn = [
    "load",
    "delete",
    "list",
    "read",
    "ping",
    "close",
    Symbol.asyncDispose,
    "info",
    "recent",
    "touch",
  ] as const;
  return layered(backend, passedOn, {
    async save(memoryId, records, options) {
      checkSave(memoryId, records, options);
      await inner.save(memoryId, kept(records, limits), options);
    },
    async append(memoryId, records, options) {
      const revision = await inner.append(memoryId, records, options);
      await cutIfDue(memoryId, records.length);
      return revision;
    },
  });
}

/** What {@link enforceRetention} did. */
export interface RetentionReport {
  /** How many memories were looked at. */
  memories: number;
  /** How many of them were cut. */
  cut: number;
}

/**
 * Cuts every memory of a backend with `log` to what the limits allow: for a job that runs now and then, if memories
 * that nobody writes to are to lose what is too old. Reads each memory whole. Throws `NOT_SUPPORTED` for a backend
 * without `log`, whose memories cannot be cut while others write.
 */
export async function enforceRetention(
  backend: AnyBackend,
  options: RetentionOptions & { signal?: AbortSignal | undefined },
): Promise<RetentionReport> {
  const { signal, ...limits } = options;
  const checked = checkedLimits("enforceRetention", backend, limits);
  checkOptions({ signal });
  const inner = whole(backend);
  if (!supports(inner, "log"))
    throw new MemoryError("NOT_SUPPORTED", "Without a log, a memory cannot be cut while others write to it.", {
      hint: "Use a backend that supports `log`, or let retention cut what is saved.",
    });
  const report = { memories: 0, cut: 0 };
  for (const memoryId of await inner.list({ signal })) {
    if (await cut(inner, memoryId, checked, { signal })) report.cut += 1;
    report.memories += 1;
  }
  return report;
}

interface Limits {
  maxRecords: number;
  maxAgeMs: number;
}

function checkedLimits(what: string, backend: AnyBackend, options: RetentionOptions): Limits {
  checkLayer(what, backend, options, ["maxRecords", "maxAge"]);
  const { maxRecords, maxAge } = options;
  const maxAgeMs = parseTtl(maxAge ?? null) ?? Number.POSITIVE_INFINITY;
  if (maxRecords === undefined && maxAgeMs === Number.POSITIVE_INFINITY)
    throw invalidConfig(what, "neither `maxRecords` nor `maxAge` limits anything");
  if (maxRecords !== undefined) checkWhole(what, "maxRecords", maxRecords, 1);
  return { maxRecords: maxRecords ?? Number.POSITIVE_INFINITY, maxAgeMs };
}

/** Without a limit of records, age is looked at every so many. */
function slackOf({ maxRecords }: Limits): number {
  return maxRecords === Number.POSITIVE_INFINITY ? 100 : Math.max(1, Math.floor(maxRecords * SLACK));
}

/** Whether anything was cut. What others write meanwhile stays: it is cut another time. */
async function cut(
  backend: WholeBackend,
  memoryId: string,
  limits: Limits,
  { last, signal }: Pick<ReadOptions, "last" | "signal">,
): Promise<boolean> {
  const snapshot = await backend.read(memoryId, { last, signal });
  if (snapshot === null) return false;
  const rest = kept(snapshot.records, limits);
  if (snapshot.start === null && rest.length === snapshot.records.length) return false;
  try {
    await backend.save(memoryId, rest, { expectedRevision: snapshot.revision, signal });
    return true;
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return false;
    throw error;
  }
}

/** The newest of the records that the limits allow, from where a turn begins. */
function kept(records: readonly object[], { maxRecords, maxAgeMs }: Limits): readonly object[] {
  const oldest = Date.now() - maxAgeMs;
  const young = records.findLastIndex((record) => isOlder(record, oldest)) + 1;
  const first = Math.max(young, records.length - maxRecords);
  if (first === 0) return records;
  const begin = records.findIndex((record, index) => index >= first && beginsTurn(record));
  if (begin >= 0) return records.slice(begin);
  // One turn alone is more than the limit: it stays whole, unless it is too old.
  const last = records.findLastIndex(beginsTurn);
  return last >= young ? records.slice(last) : [];
}

function isOlder(record: object, than: number): boolean {
  const { createdAt } = record as { createdAt?: unknown };
  return typeof createdAt === "number" && createdAt < than;
}
