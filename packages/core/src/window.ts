import { MemoryError } from "./memory-error.ts";
import { type AssistantMessage, type Message, type ToolMessage, textOf } from "./message.ts";

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

/** Whether a turn begins with this message. */
export function beginsTurn(message: Message): boolean {
  return message.role === "user";
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

/**
 * The messages as a model accepts them: every tool result stands behind its call, every call has its result. A log that the
 * agent wrote is so already; one that others wrote may not be. Unanswered calls and results without a call are left out.
 */
export function withoutOrphans(messages: readonly Message[]): Message[] {
  const paired: Message[] = [];
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index] as Message; // within the array's bounds
    if (message.role === "tool") continue; // those that belong to a call are taken with it
    if (message.role !== "assistant" || message.toolCalls === undefined) {
      paired.push(message);
      continue;
    }
    paired.push(...withResults(message, resultsBehind(messages, index)));
  }
  return paired;
}

/** The tool messages that directly follow `messages[index]`. */
function resultsBehind(messages: readonly Message[], index: number): ToolMessage[] {
  const results: ToolMessage[] = [];
  for (let next = messages[index + 1]; next?.role === "tool"; next = messages[index + results.length + 1])
    results.push(next);
  return results;
}

/**
 * An assistant message with those of its calls that have a result, and the results, each once, in the order in which they
 * were stored. A message of which nothing would remain is left out.
 */
function withResults(message: AssistantMessage, results: readonly ToolMessage[]): Message[] {
  const { toolCalls = [], ...rest } = message;
  const byCall = new Map(results.map((result) => [result.toolCallId, result]));
  const answered = toolCalls.filter((call) => byCall.has(call.id));
  const called = new Set(answered.map((call) => call.id));
  const kept = [...byCall.values()].filter((result) => called.has(result.toolCallId));
  if (answered.length === toolCalls.length) return [message, ...kept];
  if (answered.length > 0) return [{ ...rest, toolCalls: answered }, ...kept];
  return textOf(message) === "" && message.refusal === undefined ? [] : [rest];
}
