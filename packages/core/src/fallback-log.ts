import type {
  AppendOptions,
  CallOptions,
  LogCapability,
  MemoryBackend,
  ReadOptions,
  Revision,
  Snapshot,
} from "./backend.ts";
import { supports } from "./capabilities.ts";
import { KeyedSerial } from "./keyed-serial.ts";
import { MemoryError } from "./memory-error.ts";
import { quoteId } from "./memory-id.ts";
import type { Message } from "./message.ts";

/** The backend's own log, or one made of its four methods. */
export function logOf(backend: MemoryBackend): LogCapability {
  return supports(backend, "log") ? backend : new FallbackLog(backend);
}

/**
 * A log for a backend that has only the four methods: append is load + save under a mutex per (backend, id).
 *
 * The mutex is this process's own: two processes that append to one memory may lose each other's turns. A turn is found
 * again by its messages' ids, so that one whose reply was lost is not stored twice. Every call costs the whole log.
 */
class FallbackLog implements LogCapability {
  readonly #backend: MemoryBackend;

  constructor(backend: MemoryBackend) {
    this.#backend = backend;
  }

  append(memoryId: string, records: readonly Message[], options: AppendOptions = {}): Promise<Revision> {
    const { signal, expectedRevision } = options;
    const append = async (): Promise<Revision> => {
      const stored = await this.#backend.load(memoryId, { signal });
      const revision = stored && revisionOf(stored);
      if (revision !== null && holdsAny(stored, records)) return revision;
      if (expectedRevision !== undefined && expectedRevision !== revision) {
        throw new MemoryError("CONFLICT", `Memory ${quoteId(memoryId)} was changed by someone else.`, {
          memoryId,
          hint: "Read it again, and decide on what is there now.",
        });
      }
      const all = [...(stored ?? []), ...records];
      await this.#backend.save(memoryId, all, { signal });
      return revisionOf(all);
    };
    return queueOf(this.#backend).run(memoryId, append, signal);
  }

  async read(memoryId: string, { last, since, before, signal }: ReadOptions = {}): Promise<Snapshot | null> {
    const stored = await this.#backend.load(memoryId, { signal });
    if (stored === null) return null;
    const known = since ?? before;
    const position = known === undefined ? 0 : positionIn(stored, known);
    const moved = position === null;
    const from = since === undefined || moved ? 0 : position;
    const to = before === undefined || moved ? stored.length : position;
    const start = last === undefined ? from : Math.max(from, to - last);
    return {
      records: stored.slice(start, to),
      revision: revisionOf(stored),
      start: start === 0 ? null : revisionOf(stored.slice(0, start)),
      reset: moved || (since !== undefined && start > from),
      regressed: false,
    };
  }
}

/** Whether any of the messages is stored already: a turn is stored whole or not at all, so that one speaks for all. */
export function holdsAny(stored: readonly Message[] | null, turn: readonly Message[]): boolean {
  const ids = new Set(turn.map((message) => message.id));
  return stored?.some((message) => message.id !== undefined && ids.has(message.id)) ?? false;
}

/**
 * `<records>.<hash of them>`: whoever holds it can tell whether a log still begins with the same records. The order of keys does
 * not count: a store may change it.
 */
function revisionOf(records: readonly Message[]): Revision {
  const text = JSON.stringify(records, (_key, value: unknown) => (isObject(value) ? sorted(value) : value));
  // Not imported: it takes as long as all of core, and most backends have a log of their own.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return `${records.length}.${createHash("sha256").update(text).digest("base64url")}`;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** How many records stood in the log at that revision; `null`: this log does not begin with those. */
function positionIn(records: readonly Message[], revision: Revision): number | null {
  const position = Number.parseInt(revision, 10);
  return position <= records.length && revisionOf(records.slice(0, position)) === revision ? position : null;
}

/**
 * Deletes a memory. Without a log of its own, the backend's appends are load + save, and a delete in between would be undone: so
 * it waits for them.
 */
export function deleteMemory(backend: MemoryBackend, memoryId: string, { signal }: CallOptions): Promise<void> {
  const remove = (): Promise<void> => backend.delete(memoryId, { signal });
  return supports(backend, "log") ? remove() : queueOf(backend).run(memoryId, remove, signal);
}

type Queues = WeakMap<MemoryBackend, KeyedSerial>;

/** One mutex for all copies of this package in the process: an ESM and a CommonJS one may be loaded side by side. */
const queuesKey = Symbol.for("deep-agent.queues");

function queueOf(backend: MemoryBackend): KeyedSerial {
  const shared = globalThis as { [queuesKey]?: Queues };
  shared[queuesKey] ??= new WeakMap();
  const queue = shared[queuesKey].get(backend) ?? new KeyedSerial();
  shared[queuesKey].set(backend, queue);
  return queue;
}
