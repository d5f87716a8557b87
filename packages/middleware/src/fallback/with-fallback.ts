import {
  type CallOptions,
  checkAppend,
  checkCall,
  checkList,
  checkOptions,
  checkRead,
  checkRecent,
  checkSave,
  type LifecycleCapability,
  type MemoryBackend,
  supports,
} from "@deep-agent/core/adapter";
import { checkBackend, checkLayer, checkTime, checkWhole, invalidConfig } from "../layer/check-options.ts";
import {
  type AnyBackend,
  type AnyLogBackend,
  layered,
  type SameCapabilities,
  type WholeBackend,
  whole,
} from "../layer/layer.ts";
import { Fallback, type FallbackSettings, type FallbackStatus } from "./fallback.ts";
import type { LogBackend } from "./journal.ts";

/** The options of {@link withFallback}. */
export interface FallbackOptions {
  /**
   * After how many calls in a row that failed with `UNAVAILABLE` the primary is not called until a probe succeeds.
   * Default 1.
   */
  failures?: number | undefined;
  /**
   * How often the primary is probed while it is unavailable, in ms. Also how often turns that it refused are tried
   * again. Default 1,000.
   */
  probeMs?: number | undefined;
  /**
   * Called with the status when the primary becomes unavailable, when it is back, when a turn was kept, and when all
   * waiting turns are stored. If it throws, that is only reported as a warning. Default: not called.
   */
  onStatus?: ((status: FallbackStatus) => unknown) | undefined;
}

/** The methods that a backend with a fallback has in addition to the contract. */
export interface FallbackControls {
  /** The state at this moment. Makes no call to a store. */
  status(): FallbackStatus;
  /**
   * Stores the waiting turns at the primary now; this also happens without it. Resolves when no turns wait any more.
   * Rejects with the reason if a turn could not be stored.
   */
  replay(options?: CallOptions): Promise<FallbackStatus>;
  /**
   * Discards the waiting turns of a memory, and answers their records, oldest turn first. Use it if the primary will
   * never accept them. Resolves to `[]` if none wait.
   */
  discard(memoryId: string, options?: CallOptions): Promise<object[][]>;
}

/**
 * Uses `secondary` while `primary` is unavailable (`UNAVAILABLE`): turns are kept there, and stored at the primary when
 * it is back, in order and once each, by this process or the next one. Both need a `log`. Use the secondary for nothing
 * else.
 *
 * ```ts
 * const steady = withFallback(new RedisBackend(url), new FileBackend("./while-redis-is-away"));
 * ```
 *
 * While the primary is unavailable, windows are made of the waiting turns. A conversation that is already running
 * continues from what it has in RAM; a conversation that starts then does not see its past. All other calls reject with
 * `UNAVAILABLE`: whole logs and older pages, `save`, `delete`, `list`, `recent`, `info`, `touch`, and conditional
 * appends. `close` closes both backends; waiting turns stay at the secondary. Throws `INVALID_CONFIG`.
 */
export function withFallback<B extends AnyLogBackend>(
  primary: B,
  secondary: AnyLogBackend,
  options: FallbackOptions = {},
): SameCapabilities<B> & LifecycleCapability & FallbackControls {
  checkLayer("withFallback", primary, options, ["failures", "probeMs", "onStatus"]);
  checkBackend("withFallback", "second", secondary);
  const logs = [logOf("primary", primary), logOf("secondary", secondary)] as const;
  const settings = checkedSettings(options);
  if (logs[0] === logs[1]) throw invalidConfig("withFallback", "its two arguments are the same backend");
  const both = new Fallback(...logs, settings);
  const close = (): Promise<void> => both.close();
  const lifecycle: LifecycleCapability = { close, [Symbol.asyncDispose]: close };
  const layer = layered(primary, [], { ...callsOf(both, whole(primary)), ...lifecycle });
  return Object.assign(layer, lifecycle, controlsOf(both));
}

function logOf(which: string, given: AnyBackend): LogBackend {
  const backend: MemoryBackend<object> = whole(given);
  if (supports(backend, "log")) return backend;
  throw invalidConfig("withFallback", `the ${which} has no \`log\``, "Without a log, a turn cannot be found again.");
}

function checkedSettings({ failures = 1, probeMs = 1_000, onStatus }: FallbackOptions): FallbackSettings {
  checkWhole("withFallback", "failures", failures, 1);
  checkTime("withFallback", "probeMs", probeMs);
  if (onStatus !== undefined && typeof onStatus !== "function")
    throw invalidConfig("withFallback", "`onStatus` must be a function");
  return { failures, probeMs, onStatus };
}

/** The caller may change its options while a call waits, so each call has a copy. */
function callsOf(both: Fallback, primary: WholeBackend): Omit<WholeBackend, keyof LifecycleCapability | "name"> {
  return {
    async load(memoryId, given = {}) {
      checkCall(memoryId, given);
      const own = { ...given };
      return both.track(() => both.load(memoryId, own));
    },
    async save(memoryId, records, given = {}) {
      checkSave(memoryId, records, given);
      const own = { ...given };
      return both.track(() => both.save(memoryId, records, own));
    },
    async delete(memoryId, given = {}) {
      checkCall(memoryId, given);
      const own = { ...given };
      return both.track(() => both.delete(memoryId, own));
    },
    async list(given = {}) {
      checkList(given);
      const own = { ...given };
      return both.track(() => both.list(own));
    },
    async append(memoryId, records, given = {}) {
      checkAppend(memoryId, records, given);
      const own = { ...given };
      return both.track(() => both.append(memoryId, records, own));
    },
    async read(memoryId, given = {}) {
      checkRead(memoryId, given);
      const own = { ...given };
      return both.track(() => both.read(memoryId, own));
    },
    async ping(given = {}) {
      checkOptions(given);
      const own = { ...given };
      return both.track(() => both.ping(own));
    },
    async info(memoryId, given = {}) {
      checkCall(memoryId, given);
      const own = { ...given };
      return both.track(() => both.atPrimary(memoryId, own, () => primary.info(memoryId, own)));
    },
    async recent(given) {
      checkRecent(given);
      const own = { ...given };
      return both.track(() => both.atPrimaryOfMany(own, () => primary.recent(own)));
    },
    async touch(memoryId, given = {}) {
      checkCall(memoryId, given);
      const own = { ...given };
      return both.track(() => both.atPrimary(memoryId, own, () => primary.touch(memoryId, own)));
    },
  };
}

function controlsOf(both: Fallback): FallbackControls {
  return {
    status: () => both.status,
    async replay(given = {}) {
      checkOptions(given);
      return both.track(() => both.replay(given));
    },
    async discard(memoryId, given = {}) {
      checkCall(memoryId, given);
      return both.track(() => both.discard(memoryId, given));
    },
  };
}
