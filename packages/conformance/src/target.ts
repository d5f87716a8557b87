import type { MemoryBackend } from "@deep-agent/core/adapter";
import { UsageError } from "./usage-error.ts";

/** A backend of whatever records: the kit uses records of its own. */
export type AnyBackend = MemoryBackend<object>;

/**
 * The adapter under test, and how to get at it. What is tested follows from the methods that the backend has; what the optional
 * members below make possible is tested only where they are given, and the report says what was not.
 *
 * Tests run one after the other, each on a store of its own, so that `open` may keep what `reopen` and `close` need in a variable.
 */
export interface ConformanceTarget {
  /** What reports call it. */
  name: string;
  /** A backend on a new, empty store. */
  open(): AnyBackend | Promise<AnyBackend>;
  /** Removes the store of the backend that `open` gave, once every instance on it was closed. */
  close?(backend: AnyBackend): void | Promise<void>;
  /** Another instance on the store of that backend, as another process would have it. Leave it out where the store ends with its instance. */
  reopen?(backend: AnyBackend): AnyBackend | Promise<AnyBackend>;
  /** Whether a store may have two instances at the same time. Default `true`; `false` where the store itself forbids it by a lock. */
  concurrentOpen?: boolean | undefined;
  /**
   * The names of all that the store keeps: keys, rows, files. What is there after memories were deleted and was not before is taken
   * for a leftover.
   */
  residue?(backend: AnyBackend): readonly string[] | Promise<readonly string[]>;
  /** Makes the store lose the newest entry of a memory, as a failover or a restored backup does. Only for backends with a log. */
  lose?(backend: AnyBackend, memoryId: string): void | Promise<void>;
  /** How to see memories expire. A backend that has `touch` must have it. */
  ttl?: TtlTarget | undefined;
}

/** A backend whose memories expire. */
export interface TtlTarget {
  /** A backend on a new, empty store, whose memories expire `ttlMs` after their last write; closed as those of `open` are. */
  open(ttlMs: number): AnyBackend | Promise<AnyBackend>;
  /** Moves the store's clock on. Where there is no such clock, the kit waits, with a `ttlMs` of a second or two. */
  advance?(ms: number): void | Promise<void>;
}

/** The optional members of a target that some suites cannot do without. */
export type Facility = "reopen" | "concurrentOpen" | "residue" | "lose" | "ttl";

/** Why the suites that need this facility cannot run on the target; `undefined`: they can. */
export function missing(target: ConformanceTarget, facility: Facility): string | undefined {
  if (facility === "concurrentOpen") {
    if (target.concurrentOpen === false) return "the target says `concurrentOpen: false`";
    return missing(target, "reopen");
  }
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
  "ttl",
] satisfies (keyof ConformanceTarget)[];

/** Throws a `TypeError` for what is no target: a member that is misspelt would silently leave out tests. */
export function checkTarget(value: unknown): asserts value is ConformanceTarget {
  if (typeof value !== "object" || value === null)
    throw new UsageError("A conformance target is an object { name, open, … }.");
  const target = value as Record<string, unknown>;
  const unknown = Object.keys(target).find((name) => !members.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `A conformance target has no member ${JSON.stringify(unknown)}; it has ${members.join(", ")}.`,
    );
  }
  const { name, open, concurrentOpen, ttl } = target;
  if (typeof name !== "string" || name === "") throw new UsageError("A conformance target needs a `name`.");
  if (typeof open !== "function")
    throw new UsageError("A conformance target needs a function `open`, which gives a backend.");
  for (const member of ["close", "reopen", "residue", "lose"]) {
    if (target[member] !== undefined && typeof target[member] !== "function") {
      throw new UsageError(`\`${member}\` of a conformance target must be a function.`);
    }
  }
  if (concurrentOpen !== undefined && typeof concurrentOpen !== "boolean") {
    throw new UsageError("`concurrentOpen` of a conformance target must be a boolean.");
  }
  if (ttl !== undefined) checkTtl(ttl);
}

function checkTtl(ttl: unknown): void {
  const { open, advance, ...others } = (ttl ?? {}) as Record<string, unknown>;
  if (typeof open !== "function") {
    throw new UsageError("`ttl` of a conformance target must have a function `open`, which takes milliseconds.");
  }
  if (advance !== undefined && typeof advance !== "function") throw new UsageError("`ttl.advance` must be a function.");
  const [unknown] = Object.keys(others);
  if (unknown !== undefined)
    throw new UsageError(`\`ttl\` has no member ${JSON.stringify(unknown)}; it has open, advance.`);
}

/** What a function of a target gave, which must be a backend. Throws a `TypeError` where it is none. */
export function checkBackend(backend: AnyBackend | undefined): AnyBackend {
  if (typeof backend === "object" && backend !== null) return backend;
  throw new UsageError(`The target gave ${backend === null ? "null" : typeof backend} where a backend was due.`);
}
