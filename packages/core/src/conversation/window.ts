import { MemoryError } from "../contract/memory-error.ts";
import { beginsTurn, type Message } from "../contract/message.ts";

/** How many messages a window holds where nothing else is said. */
export const DEFAULT_MAX_MESSAGES = 20;

/** What bounds the part of a conversation that is kept in RAM and sent to the model. */
export interface WindowLimits {
  /**
   * Messages, default {@link DEFAULT_MAX_MESSAGES}; `Infinity`: all there are. The newest turn stays whole even where it
   * is longer.
   */
  maxMessages?: number | undefined;
  /** Tokens, as `countTokens` counts them; default: no such limit. A turn that does not fit is left out. */
  maxTokens?: number | undefined;
  /** The tokens of one message. Default: a quarter of the characters of its JSON, rounded up. */
  countTokens?: ((message: Message) => number) | undefined;
}

/** Throws `INVALID_ARGUMENT` for limits that are not positive. */
export function checkLimits({ maxMessages, maxTokens, countTokens }: WindowLimits): void {
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
        hint: "Leave it out for the default; `Infinity` messages are all there are.",
      },
    );
  }
}

/**
 * The newest whole turns within the limits. Turns are found by role: each user message begins one, and so does the first
 * of `messages`, which must therefore be the log's first or itself a beginning.
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
  throw new MemoryError("INVALID_ARGUMENT", "`countTokens` must give a number from 0 on.");
}

function estimateTokens(message: Message): number {
  return Math.ceil(JSON.stringify(message).length / 4);
}
