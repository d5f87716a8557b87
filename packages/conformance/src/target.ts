import type { MemoryBackend } from "@deep-agent/core/adapter";
import type { FileUrl } from "./elsewhere/elsewhere-target.ts";
import { checkElsewhere, type ElsewhereTarget } from "./elsewhere/elsewhere-target.ts";
import { UsageError } from "./usage-error.ts";

/** A backend of records of any type. The kit writes its own records. */
export type AnyBackend = MemoryBackend<object>;

/**
 * The adapter under test, and how to open and close it. The methods of the backend decide what is tested. Each optional
 * member below makes more tests possible; the report says what was not tested.
 *
 * Tests run one after the other, each on a store of its own. So `open` may keep what `reopen` and `close` need in a
 * variable.
 */
export interface ConformanceTarget {
  /** The name of the adapter in reports. Not empty. */
  name: string;
  /** Opens a backend on a new, empty store. Called for each test. */
  open(): AnyBackend | Promise<AnyBackend>;
  /**
   * Removes the store of the backend that `open` returned, after every instance on it was closed. Default: nothing is
   * removed.
   */
  close?(backend: AnyBackend): void | Promise<void>;
  /**
   * Opens another instance on the store of that backend, as another process would. Leave it out if the store ends with
   * its instance: then persistence is not tested.
   */
  reopen?(backend: AnyBackend): AnyBackend | Promise<AnyBackend>;
  /**
   * Whether a store may have two instances at the same time. `false` if the store forbids it by a lock. Default `true`.
   */
  concurrentOpen?: boolean | undefined;
  /**
   * The names of everything that the store keeps: keys, rows, files. A name that is there after its memory was deleted,
   * and was not before, is reported as residue. Leave it out if the store cannot tell.
   */
  residue?(backend: AnyBackend): readonly string[] | Promise<readonly string[]>;
  /**
   * Makes the store lose the newest entry of a memory, as a failover or a restored backup does. Only for backends with
   * `log`. Leave it out if that cannot be simulated.
   */
  lose?(backend: AnyBackend, memoryId: string): void | Promise<void>;
  /**
   * The size of the largest record that the store accepts, in bytes of its JSON in UTF-8, if that is less than the 64
   * MiB of core: at least 262,144. A larger record must be rejected with `RECORD_TOO_LARGE`. Default: 64 MiB.
   */
  maxRecordBytes?: number | undefined;
  /**
   * How to open a backend whose memories expire. Required for a backend with `touch`; without it, expiry is not tested.
   */
  ttl?: TtlTarget | undefined;
  /**
   * How another process opens the store of the running test. Leave it out if the store is in one process only: then it
   * is not tested that processes lose nothing of each other.
   */
  elsewhere?: ElsewhereTarget | undefined;
}

/** How the kit opens a backend whose memories expire. */
export interface TtlTarget {
  /**
   * Opens a backend on a new, empty store, whose memories expire `ttlMs` milliseconds after their last write. It is
   * closed like the backends of `open`.
   */
  open(ttlMs: number): AnyBackend | Promise<AnyBackend>;
  /**
   * Advances the store's clock by `ms` milliseconds, for every process that uses the store. Without it, the kit waits
   * in real time, with a `ttlMs` of one or more seconds.
   */
  advance?(ms: number): void | Promise<void>;
}

/** The optional members of a target that some suites need. */
export type Facility = "reopen" | "concurrentOpen" | "residue" | "lose" | "ttl" | "elsewhere";

/** What core accepts: its checks refuse a larger record before it reaches the store. */
const MAX_RECORD_BYTES = 64 * 1_024 * 1_024;

/** The smallest `maxRecordBytes` that a target may have: some tests need records of about that size. */
const SMALLEST_MAX_RECORD_BYTES = 256 * 1_024;

/** The size of the largest record that the target's store accepts, in bytes of its JSON. */
export function maxRecordBytes({ maxRecordBytes: max = MAX_RECORD_BYTES }: ConformanceTarget): number {
  return max;
}

/** Why the suites that need this member cannot run on the target; `undefined` if they can. */
export function missing(target: ConformanceTarget, facility: Facility): string | undefined {
  if (target.concurrentOpen === false && (facility === "concurrentOpen" || facility === "elsewhere"))
    return "the target says `concurrentOpen: false`";
  if (facility === "concurrentOpen") return missing(target, "reopen");
  return target[facility] === undefined ? `the target has no \`${facility}\`` : undefined;
}

const members: readonly string[] = [
  "name",
  "open",
  "close",
  "reopen",
  "concurrentOpen",
  "residue",
  "lose",
  "maxRecordBytes",
  "ttl",
  "elsewhere",
] satisfies (keyof ConformanceTarget)[];

/**
 * Throws a `TypeError` for an invalid target. A misspelt member is invalid, because it would silently leave out tests.
 * `ownModule`: the module that exports the target, if it is known.
 */
export function checkTarget(value: unknown, ownModule?: string | FileUrl): asserts value is ConformanceTarget {
  if (typeof value !== "object" || value === null)
    throw new UsageError("A conformance target is an object { name, open, … }.");
  const target = value as Record<string, unknown>;
  const unknown = Object.keys(target).find((name) => !members.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `A conformance target has no member ${JSON.stringify(unknown)}; it has ${members.join(", ")}.`,
    );
  }
  const { name, open, concurrentOpen, maxRecordBytes: max, ttl, elsewhere } = target;
  if (typeof name !== "string" || name === "")
    throw new UsageError("A conformance target needs a `name`, a non-empty string.");
  if (typeof open !== "function")
    throw new UsageError("A conformance target needs a function `open` that returns a backend.");
  for (const member of ["close", "reopen", "residue", "lose"]) {
    if (target[member] !== undefined && typeof target[member] !== "function") {
      throw new UsageError(`\`${member}\` of a conformance target must be a function.`);
    }
  }
  if (concurrentOpen !== undefined && typeof concurrentOpen !== "boolean") {
    throw new UsageError("`concurrentOpen` of a conformance target must be a boolean.");
  }
  if (max !== undefined && !isRecordSize(max)) {
    throw new UsageError(
      `\`maxRecordBytes\` of a conformance target must be an integer from ${SMALLEST_MAX_RECORD_BYTES} to ${MAX_RECORD_BYTES}.`,
    );
  }
  if (ttl !== undefined) checkTtl(ttl);
  if (elsewhere !== undefined) checkElsewhere(elsewhere, ownModule);
}

function isRecordSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= SMALLEST_MAX_RECORD_BYTES && Number(value) <= MAX_RECORD_BYTES;
}

function checkTtl(ttl: unknown): void {
  const { open, advance, ...others } = (ttl ?? {}) as Record<string, unknown>;
  if (typeof open !== "function") {
    throw new UsageError(
      "`ttl` of a conformance target needs a function `open` that takes milliseconds and returns a backend.",
    );
  }
  if (advance !== undefined && typeof advance !== "function") throw new UsageError("`ttl.advance` must be a function.");
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new UsageError(`\`ttl\` has no member ${JSON.stringify(unknown)}; it has open, advance.`);
}

/** Checks the return value of a target's function. Throws a `TypeError` if it is not a backend. */
export function checkBackend(backend: AnyBackend | undefined): AnyBackend {
  if (typeof backend === "object" && backend !== null) return backend;
  throw new UsageError(`The target must return a backend, but returned ${backend === null ? "null" : typeof backend}.`);
}
