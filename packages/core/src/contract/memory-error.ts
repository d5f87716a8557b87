import { checkNode } from "./check-node.ts";
import type { Reply } from "./reply.ts";

// Everything here and in the adapters loads this module before it runs anything else.
checkNode();

/** What went wrong, as a stable name to branch on. `docs/errors.md` lists the causes of each code. */
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
  | "TOOL_ROUNDS_EXCEEDED"
  | "INVALID_ANSWER";

/**
 * What became of the write that failed: `"not-applied"`, it left no trace; `"applied"`, it is stored; `"unknown"`,
 * either is possible. A failed read is always `"not-applied"`.
 */
export type Outcome = "not-applied" | "applied" | "unknown";

/** What a {@link MemoryError} holds in addition to its code and message. */
export interface MemoryErrorDetails {
  /** What became of the write. Default `"not-applied"`. */
  outcome?: Outcome | undefined;
  /** Whether the same call can succeed later. Default `false`. */
  retryable?: boolean | undefined;
  /** The name of the backend that failed, such as `"file"` or `"redis"`. Default: none is named. */
  backend?: string | undefined;
  /** The id of the memory that the call was for. Default: none is named. */
  memoryId?: string | undefined;
  /** What to do about it, in a sentence or two; it is also appended to the message. Default: none. */
  hint?: string | undefined;
  /**
   * The underlying error. Clean it first ({@link cleanCause}) if it may hold secrets or message text. Default: none.
   */
  cause?: unknown;
  /** With `SAVE_FAILED`: what the model answered. Default: no reply. */
  reply?: Reply | undefined;
}

const marker = Symbol.for("deep-agent.MemoryError");

/**
 * The one error class of this library and its adapters. The message says what failed, for which memory, and what to
 * do. It never holds a secret or the text of a message.
 *
 * Recognise it with {@link MemoryError.is}, which also recognises errors of another installed copy of this package.
 */
export class MemoryError extends Error {
  /** Always `"MemoryError"`. */
  override readonly name = "MemoryError";
  /** What went wrong, as a stable name to branch on. */
  readonly code: MemoryErrorCode;
  /** What became of the write. `"not-applied"` for a read. */
  readonly outcome: Outcome;
  /** Whether the same call can succeed later. */
  readonly retryable: boolean;
  // Only declared: a defined field would exist, and be printed, even without a value.
  /** The name of the backend that failed, such as `"redis"`. Absent: the error names none. */
  declare readonly backend?: string;
  /** The id of the memory that the call was for. Absent: the error names none. */
  declare readonly memoryId?: string;
  /** What to do about it; the message ends with it too. Absent: there is no advice. */
  declare readonly hint?: string;
  /**
   * With `SAVE_FAILED`: what the model answered. Absent otherwise. Not enumerable, so that printing the error does not
   * print the conversation.
   */
  declare readonly reply?: Reply;

  /** `message` must hold no secret and no text of a conversation. The hint is appended to it. */
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

  /** Whether `error` is a `MemoryError`, of any installed copy of the package, and has this `code` if one is given. */
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
 * A copy of a foreign error that is safe to keep as a `cause`: its name, message, stack and `code`. It drops whatever
 * else clients attach to their errors, such as the arguments of the failed command. `redact` cleans the message, if
 * that may hold a secret too. A `MemoryError` is returned unchanged.
 */
export function cleanCause(error: unknown, redact: (message: string) => string = (message) => message): Error {
  if (MemoryError.is(error)) return error;
  if (!isError(error))
    return new Error(redact(typeof error === "object" ? "A value that is not an Error was thrown." : String(error)));
  const copy = new Error(redact(error.message));
  copy.name = error.name;
  copy.stack = [`${copy.name}: ${copy.message}`, ...framesOf(error)].join("\n");
  const { code } = error as { code?: unknown };
  if (typeof code === "string") Object.defineProperty(copy, "code", { value: code, enumerable: true });
  return copy;
}

/**
 * What may be shown of a foreign error: everything but its message, which may quote the conversation. A `MemoryError`
 * is returned unchanged.
 */
export function causeWithoutMessage(error: unknown): Error {
  return cleanCause(error, () => "(message left out: it may quote the conversation)");
}

/** The message without its hint: for another error that quotes the message and adds its own hint. */
export function withoutHint({ message, hint }: MemoryError): string {
  return hint !== undefined && message.endsWith(` ${hint}`) ? message.slice(0, -hint.length - 1) : message;
}

/** Recognises errors of another realm too: Node's own errors are such errors if the code runs in a `vm` context. */
export function isError(error: unknown): error is Error {
  return error instanceof Error || process.getBuiltinModule("node:util").types.isNativeError(error);
}

/** The stack frames, without lines of the message that merely look like frames. */
function framesOf({ message, stack }: Error): string[] {
  if (typeof stack !== "string" || !stack.includes(message)) return [];
  const afterMessage = stack.slice(stack.indexOf(message) + message.length);
  return afterMessage.split("\n").filter((line) => line.startsWith("    at "));
}
