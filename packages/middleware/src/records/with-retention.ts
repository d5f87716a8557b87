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

/** The limits of {@link withRetention} and {@link enforceRetention}. At least one of them is required. */
export interface RetentionOptions {
  /** How many records a memory keeps at most, approximately: see {@link withRetention}. Default: no limit. */
  maxRecords?: number | undefined;
  /**
   * The greatest age of a record (`"30d"`, or a number of ms), by its `createdAt` in ms since 1970, as messages have
   * it. A record without `createdAt` is never too old by itself. Default: no limit.
   */
  maxAge?: Ttl | undefined;
}

/**
 * How far a memory may exceed `maxRecords` before it is cut, as a fraction of it. A cut costs as much as the memory is
 * long, so not every append makes one.
 */
const SLACK = 1 / 4;

const warn = warnOf("retention");

/** For how many memories it is remembered when they are to be cut. */
const MAX_REMEMBERED = 10_000;

/**
 * Limits what memories keep, on any backend. The oldest records are removed first, up to the beginning of a turn, so
 * that no turn is cut in half.
 *
 * With a `log`, a memory is cut after an append once it has a quarter more records than `maxRecords`. So the cost of a
 * turn does not grow with the conversation. Each of several processes may add that quarter. A cut replaces the memory:
 * readers begin again. The newest 64 appends stay known by their operation ids, so that an append whose reply was lost
 * before the cut is not made again after it. If a cut fails, the append still succeeds; a warning reports the failure,
 * and a later cut makes up for it. The records of a `save` are cut before they are written.
 *
 * Ages are checked whenever a memory is cut, and by {@link enforceRetention} for memories that nobody writes to. The
 * Redis backend has its own `maxRecords`, which is cheaper. Throws `INVALID_CONFIG`.
 */
export function withRetention<B extends AnyBackend>(backend: B, options: RetentionOptions): SameCapabilities<B> {
  const limits = checkedLimits("withRetention", backend, options);
  const inner = whole(backend);
  /** How many more records a memory may get before it is checked. */
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

/** The result of {@link enforceRetention}. */
export interface RetentionReport {
  /** How many memories were checked. */
  memories: number;
  /** How many of them were cut. */
  cut: number;
}

/**
 * Cuts every memory of a backend with `log` to the limits. Run it from time to time, so that memories that nobody
 * writes to lose records that are too old. It reads each memory whole. If `signal` is aborted, it rejects with the
 * signal's reason. Rejects with `INVALID_CONFIG`, and with `NOT_SUPPORTED` for a backend without `log`, whose memories
 * cannot be cut safely while others write.
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
    throw new MemoryError("NOT_SUPPORTED", "`enforceRetention` could lose what others write: the backend has no log.", {
      hint: "Use a backend that supports `log`. Without one, withRetention cuts each `save`.",
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
    throw invalidConfig(what, "neither `maxRecords` nor `maxAge` sets a limit");
  if (maxRecords !== undefined) checkWhole(what, "maxRecords", maxRecords, 1);
  return { maxRecords: maxRecords ?? Number.POSITIVE_INFINITY, maxAgeMs };
}

/** Without `maxRecords`, ages are checked after this many records. */
function slackOf({ maxRecords }: Limits): number {
  return maxRecords === Number.POSITIVE_INFINITY ? 100 : Math.max(1, Math.floor(maxRecords * SLACK));
}

/** Answers whether anything was cut. If another writer comes first, nothing is: the memory is cut another time. */
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
    await backend.save(memoryId, rest, { expectedRevision: snapshot.revision, keepOperations: true, signal });
    return true;
  } catch (error) {
    if (MemoryError.is(error, "CONFLICT")) return false;
    throw error;
  }
}

/** The newest records that the limits allow, from the beginning of a turn. */
function kept(records: readonly object[], { maxRecords, maxAgeMs }: Limits): readonly object[] {
  const oldest = Date.now() - maxAgeMs;
  const young = records.findLastIndex((record) => isOlder(record, oldest)) + 1;
  const first = Math.max(young, records.length - maxRecords);
  if (first === 0) return records;
  const begin = records.findIndex((record, index) => index >= first && beginsTurn(record));
  if (begin >= 0) return records.slice(begin);
  // A single turn is longer than the limit: it stays whole, unless it is too old.
  const last = records.findLastIndex(beginsTurn);
  return last >= young ? records.slice(last) : [];
}

function isOlder(record: object, than: number): boolean {
  const { createdAt } = record as { createdAt?: unknown };
  return typeof createdAt === "number" && createdAt < than;
}
