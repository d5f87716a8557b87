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
import { checkLayer, checkTime, checkWhole, invalidConfig } from "../layer/check-options.ts";
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

export interface FallbackOptions {
  /** After how many calls in a row that found the primary away it is left alone until it answers again. Default 1. */
  failures?: number | undefined;
  /** How often it is looked for meanwhile, in ms. Default 1,000. */
  probeMs?: number | undefined;
  /** Called when the primary goes away and comes back, and when a turn was kept. */
  onStatus?: ((status: FallbackStatus) => unknown) | undefined;
}

/** What a backend with a fallback has beside the contract. */
export interface FallbackControls {
  /** How it is at the moment. */
  status(): FallbackStatus;
  /**
   * Stores what waits at the primary, as it does by itself. Resolves when nothing waits any more, and rejects with what
   * prevents it.
   */
  replay(options?: CallOptions): Promise<FallbackStatus>;
  /**
   * Gives up the turns of a memory that wait, and answers their records, oldest first: the way out if the primary
   * takes them by no means.
   */
  discard(memoryId: string, options?: CallOptions): Promise<object[][]>;
}

/**
 * Goes on at `secondary` while `primary` is away (`UNAVAILABLE`): turns are kept there, and stored at the primary
 * when it is back, in order and once each, also by the next process. Both need a `log`; the secondary is for this
 * alone.
 *
 * ```ts
 * const steady = withFallback(new RedisBackend(url), new FileBackend("./while-redis-is-away"));
 * ```
 *
 * While the primary is away, windows are made of what waits: a conversation that goes on continues from what it has
 * in RAM, and one that begins then does not see its past. All else is refused with `UNAVAILABLE`: whole logs and
 * older pages, `save`, `delete`, `list`, `recent`, `info`, `touch`, and appends on a condition. `close` closes both
 * backends; what waits is kept. Throws `INVALID_CONFIG`.
 */
export function withFallback<B extends AnyLogBackend>(
  primary: B,
  secondary: AnyLogBackend,
  options: FallbackOptions = {},
): SameCapabilities<B> & LifecycleCapability & FallbackControls {
  checkLayer("withFallback", primary, options, ["failures", "probeMs", "onStatus"]);
  checkLayer("withFallback", secondary);
  const logs = [logOf("primary", primary), logOf("secondary", secondary)] as const;
  const settings = checkedSettings(options);
  if (logs[0] === logs[1]) throw invalidConfig("withFallback", "both stores are the same");
  const both = new Fallback(...logs, settings);
  const close = (): Promise<void> => both.close();
  const lifecycle: LifecycleCapability = { close, [Symbol.asyncDispose]: close };
  const layer = layered(primary, [], { ...callsOf(both, whole(primary)), ...lifecycle });
  return Object.assign(layer, lifecycle, controlsOf(both));
}

function logOf(which: string, given: AnyBackend): LogBackend {
  const backend: MemoryBackend<object> = whole(given);
  if (supports(backend, "log")) return backend;
  throw invalidConfig("withFallback", `the ${which} has no \`log\``, "Without one, a turn cannot be found again.");
}

function checkedSettings({ failures = 1, probeMs = 1_000, onStatus }: FallbackOptions): FallbackSettings {
  checkWhole("withFallback", "failures", failures, 1);
  checkTime("withFallback", "probeMs", probeMs);
  if (onStatus !== undefined && typeof onStatus !== "function")
    throw invalidConfig("withFallback", "`onStatus` must be a function");
  return { failures, probeMs, onStatus };
}

function callsOf(both: Fallback, primary: WholeBackend): Omit<WholeBackend, keyof LifecycleCapability | "name"> {
  return {
    async load(memoryId, given = {}) {
      checkCall(memoryId, given);
      return both.track(() => both.load(memoryId, given));
    },
    async save(memoryId, records, given = {}) {
      checkSave(memoryId, records, given);
      return both.track(() => both.save(memoryId, records, given));
    },
    async delete(memoryId, given = {}) {
      checkCall(memoryId, given);
      return both.track(() => both.delete(memoryId, given));
    },
    async list(given = {}) {
      checkList(given);
      return both.track(() => both.list(given));
    },
    async append(memoryId, records, given = {}) {
      checkAppend(memoryId, records, given);
      return both.track(() => both.append(memoryId, records, given));
    },
    async read(memoryId, given = {}) {
      checkRead(memoryId, given);
      return both.track(() => both.read(memoryId, given));
    },
    async ping(given = {}) {
      checkOptions(given);
      return both.track(() => both.ping(given));
    },
    async info(memoryId, given = {}) {
      checkCall(memoryId, given);
      return both.track(() => both.atPrimary(memoryId, given, () => primary.info(memoryId, given)));
    },
    async recent(given) {
      checkRecent(given);
      return both.track(() => both.atPrimaryOfMany(given, () => primary.recent(given)));
    },
    async touch(memoryId, given = {}) {
      checkCall(memoryId, given);
      return both.track(() => both.atPrimary(memoryId, given, () => primary.touch(memoryId, given)));
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
