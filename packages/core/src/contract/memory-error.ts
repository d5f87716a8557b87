import { checkNode } from "./check-node.ts";
import type { Reply } from "./reply.ts";

// Everything here and in the adapters loads this module before it runs anything else.
checkNode();

/** What went wrong, as a stable name to branch on. `docs/errors.md` maps every cause to one of these. */
export type MemoryErrorCode =
  | "INVALID_MEMORY_ID"
  | "INVALID_RECORD"
  | "INVALID_ARGUMENT"
  | "INVALID_CONFIG"
  | "RECORD_TOO_LARGE"
  | "UNAVAILABLE"
  | "UNAUTHORIZED"
  | "CAPACITY"
  | "CORRUPT"
  | "CONFLICT"
  | "DURABILITY"
  | "DECRYPT"
  | "CLOSED"
  | "NOT_SUPPORTED"
  | "BACKEND_REQUIRED"
  | "MEMORY_ID_REQUIRED"
  | "SAVE_FAILED"
  | "TOOL_ROUNDS_EXCEEDED";

/**
 * What became of the write that failed: it left no trace, it is stored, or nobody can tell.
 * A failed read is always `"not-applied"`.
 */
export type Outcome = "not-applied" | "applied" | "unknown";

/** What a {@link MemoryError} says beside its code and message. */
export interface MemoryErrorDetails {
  /** Default `"not-applied"`. */
  outcome?: Outcome | undefined;
  /** Whether the same call, made again later, can succeed. Default `false`. */
  retryable?: boolean | undefined;
  /** The kind of backend that failed: `"file"`, `"redis"`. */
  backend?: string | undefined;
  memoryId?: string | undefined;
  /** What to do about it: one sentence, which is also appended to the message. */
  hint?: string | undefined;
  /** The error underneath. Clean it first ({@link cleanCause}) where it may carry secrets or message text. */
  cause?: unknown;
  /** With `SAVE_FAILED`: what the model answered. */
  reply?: Reply | undefined;
}

const marker = Symbol.for("deep-agent.MemoryError");

/**
 * The one error class of this library and its adapters. The message says what failed, for which memory, and what to
 * do; it never holds a secret or the text of a message.
 *
 * Recognise it with {@link MemoryError.is}, which also knows errors of another installed copy of this package.
 */
export class MemoryError extends Error {
  override readonly name = "MemoryError";
  readonly code: MemoryErrorCode;
  readonly outcome: Outcome;
  readonly retryable: boolean;
  // Only declared: a field that is defined would be there even where it is absent.
  declare readonly backend?: string;
  declare readonly memoryId?: string;
  declare readonly hint?: string;
  /**
   * With `SAVE_FAILED`: what the model answered. Absent otherwise. Not enumerable, so that printing the error does
   * not print the conversation.
   */
  declare readonly reply?: Reply;

  constructor(code: MemoryErrorCode, message: string, details: MemoryErrorDetails = {}) {
    const { hint, cause, reply } = details;
    super(hint === undefined ? message : `${message} ${hint}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.outcome = details.outcome ?? "not-applied";
    this.retryable = details.retryable ?? false;
    if (details.backend !== undefined) this.backend = details.backend;
    if (details.memoryId !== undefined) this.memoryId = details.memoryId;
    if (hint !== undefined) this.hint = hint;
    if (reply !== undefined) Object.defineProperty(this, "reply", { value: reply });
    Object.defineProperty(this, marker, { value: true });
  }

  /** Whether `error` is a `MemoryError`, of this or of another installed copy of the package, and has that `code`. */
  static is(error: unknown, code?: MemoryErrorCode): error is MemoryError {
    return (
      typeof error === "object" &&
      error !== null &&
      (error as { [marker]?: unknown })[marker] === true &&
      (code === undefined || (error as MemoryError).code === code)
    );
  }
}

/**
 * A copy of a foreign error that is safe to keep as a `cause`: its name, message, stack and `code`, and nothing of
 * what else clients hang on their errors (the arguments of the failed command, say). `redact` cleans the message
 * where that may hold a secret too.
 */
export function cleanCause(error: unknown, redact: (message: string) => string = (message) => message): Error {
  if (MemoryError.is(error)) return error;
  if (!isError(error))
    return new Error(redact(typeof error === "object" ? "Something that is no error was thrown." : String(error)));
  const copy = new Error(redact(error.message));
  copy.name = error.name;
  copy.stack = [`${copy.name}: ${copy.message}`, ...framesOf(error)].join("\n");
  const { code } = error as { code?: unknown };
  if (typeof code === "string") Object.defineProperty(copy, "code", { value: code, enumerable: true });
  return copy;
}

/**
 * What may be shown of an error that is not ours: all but its message, which may quote what was said. Errors of ours are
 * shown as they are.
 */
export function causeWithoutMessage(error: unknown): Error {
  return cleanCause(error, () => "(the message is left out: it may quote what was said)");
}

/** The message without its hint: for an error that quotes it and has a hint of its own. */
export function withoutHint({ message, hint }: MemoryError): string {
  return hint !== undefined && message.endsWith(` ${hint}`) ? message.slice(0, -hint.length - 1) : message;
}

/** Of another realm too, as Node's own errors are where the code runs in a `vm` context. */
export function isError(error: unknown): error is Error {
  return error instanceof Error || process.getBuiltinModule("node:util").types.isNativeError(error);
}

/** The stack frames, without lines of the message that merely look like frames. */
function framesOf({ message, stack }: Error): string[] {
  if (typeof stack !== "string" || !stack.includes(message)) return [];
  const behind = stack.slice(stack.indexOf(message) + message.length);
  return behind.split("\n").filter((line) => line.startsWith("    at "));
}
