import { isAbsolute } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { MemoryBackend } from "@deep-agent/core/adapter";
import { UsageError } from "../usage-error.ts";

/** A `URL`, as far as the kit needs one. Named by what it has, so that its declarations need no types of Node. */
export interface FileUrl {
  /** The address as text. */
  readonly href: string;
}

function isFileUrl(value: unknown): value is FileUrl {
  return value instanceof URL;
}

/**
 * How another process opens the store of the running test. The kit starts that process, and ends it with the test.
 *
 * The other process imports `module` and calls one function of it. That is the module's default export if it is a
 * function. Otherwise it is `elsewhere.open` of the target that the module exports, or of the module itself.
 */
export interface ElsewhereTarget {
  /**
   * The module that the other process imports: an absolute path or a file URL, such as `import.meta.url` or
   * `__filename`. It must not be a file of tests. Default: the module of the target, which only the program and
   * `report` with the option `module` know.
   */
  module?: string | FileUrl | undefined;
  /**
   * What the function gets: where the store is, and the options of the backend. JSON values. Called after `open` or
   * `ttl.open`, with the backend that it returned. Default: no arguments.
   */
  args?(backend: MemoryBackend<object>): readonly unknown[] | Promise<readonly unknown[]>;
  /**
   * Opens another instance on the store that `args` names. Only the other process calls it. Leave it out if the default
   * export of `module` is that function.
   */
  open?(...args: never[]): MemoryBackend<object> | Promise<MemoryBackend<object>>;
  /** Node's own options for the other process, such as `["--import", "tsx"]`. Default: those of this process. */
  execArgv?: readonly string[] | undefined;
  /**
   * Use a worker thread of this process instead of another process. A lock that the system gives to a process does not
   * hold between threads, and nothing is killed but the thread. Default `false`.
   */
  thread?: boolean | undefined;
}

const members: readonly string[] = ["module", "args", "open", "execArgv", "thread"] satisfies (keyof ElsewhereTarget)[];

/** `ownModule`: the target's own module, if it is known. Throws a `TypeError` for an invalid `elsewhere`. */
export function checkElsewhere(value: unknown, ownModule: string | FileUrl | undefined): void {
  if (typeof value !== "object" || value === null)
    throw new UsageError(`\`elsewhere\` of a conformance target is an object { ${members.join(", ")} }.`);
  const given: Readonly<Record<string, unknown>> = { ...value };
  const unknown = Object.keys(given).find((name) => !members.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`\`elsewhere\` has no member ${JSON.stringify(unknown)}; it has ${members.join(", ")}.`);
  const { module = ownModule, execArgv, thread } = given;
  if (module === undefined) {
    throw new UsageError(
      "`elsewhere` of a conformance target needs a `module`, which the other process imports. Only the program " +
        "`deep-agent-conformance` knows the target's own module by itself.",
    );
  }
  checkModule(module, "`elsewhere.module`");
  for (const member of ["args", "open"]) {
    if (given[member] !== undefined && typeof given[member] !== "function")
      throw new UsageError(`\`elsewhere.${member}\` must be a function.`);
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((one) => typeof one === "string")))
    throw new UsageError("`elsewhere.execArgv` must be an array of texts.");
  if (thread !== undefined && typeof thread !== "boolean")
    throw new UsageError("`elsewhere.thread` must be a boolean.");
}

/** Throws a `TypeError` unless it is an absolute path or a file URL. */
export function checkModule(module: unknown, what: string): void {
  const text = isFileUrl(module) ? module.href : module;
  if (typeof text === "string" && (isAbsolute(text) || text.startsWith("file:"))) return;
  throw new UsageError(
    `${what} must be an absolute path or a file URL, such as \`import.meta.url\` or \`__filename\`, not ${String(text)}.`,
  );
}

/** The URL of a module that {@link checkModule} accepts. Paths of Windows have a letter where URLs have a scheme. */
export function moduleUrl(module: string | FileUrl): string {
  if (typeof module !== "string") return module.href;
  return module.startsWith("file:") ? pathToFileURL(fileURLToPath(module)).href : pathToFileURL(module).href;
}
