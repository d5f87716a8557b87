import { checkObject } from "../adapter-kit/check-arguments.ts";
import { MemoryError } from "../contract/memory-error.ts";
import { beginsTurn, type Message } from "../contract/message.ts";

/** The default limit of messages in a window. */
export const DEFAULT_MAX_MESSAGES = 20;

/** The limits of the part of a conversation that is kept in RAM and sent to the model. */
export interface WindowLimits {
  /**
   * The maximum number of messages: a positive integer, or `Infinity` for no limit. Default 20. The newest turn stays
   * whole even if it has more.
   */
  maxMessages?: number | undefined;
  /**
   * The maximum number of tokens, counted by `countTokens`: a positive integer. Default: no limit. A turn that does not
   * fit is left out.
   */
  maxTokens?: number | undefined;
  /**
   * Returns the number of tokens of one message, not negative. Default: a quarter of the characters of its JSON,
   * rounded up.
   */
  countTokens?: ((message: Message) => number) | undefined;
}

/** Throws `INVALID_ARGUMENT` for limits that are not positive. */
export function checkLimits(limits: WindowLimits): void {
  checkObject(limits);
  const { maxMessages, maxTokens, countTokens } = limits;
  if (maxMessages !== undefined && maxMessages !== Number.POSITIVE_INFINITY) checkLimit("messages", maxMessages);
  if (maxTokens !== undefined) checkLimit("tokens", maxTokens);
  if (countTokens !== undefined && typeof countTokens !== "function") {
    throw new MemoryError("INVALID_ARGUMENT", "`countTokens` must be a function that counts the tokens of a message.");
  }
}

function checkLimit(unit: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) {
    throw new MemoryError(
      "INVALID_ARGUMENT",
      `The limit of ${unit} in the window must be a positive integer, not ${String(value)}.`,
      {
        hint: "Leave it out for the default. For messages, `Infinity` means no limit.",
      },
    );
  }
}

/**
 * The newest whole turns within the limits. Turns are found by role: each user message begins one, and so does the
 * first of `messages`. So the first one must be the first of the log, or begin a turn itself.
 */
export function cutToLimits(messages: readonly Message[], limits: WindowLimits): Message[] {
  const {
    maxMessages = DEFAULT_MAX_MESSAGES,
    maxTokens = Number.POSITIVE_INFINITY,
    countTokens = estimateTokens,
  } = limits;
  let start = messages.length;
  let tokens = 0;
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index] as Message; // within the array's bounds
    if (maxTokens !== Number.POSITIVE_INFINITY) tokens += checkedCount(countTokens(message));
    if (tokens > maxTokens) break;
    if (index > 0 && !beginsTurn(message)) continue;
    if (messages.length - index > maxMessages && start < messages.length) break;
    start = index;
  }
  return messages.slice(start);
}

function checkedCount(tokens: unknown): number {
  if (typeof tokens === "number" && tokens >= 0) return tokens;
  throw new MemoryError("INVALID_ARGUMENT", "`countTokens` must return a non-negative number.");
}

function estimateTokens(message: Message): number {
  return Math.ceil(JSON.stringify(message).length / 4);
}
