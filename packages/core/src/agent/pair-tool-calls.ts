import type { AssistantMessage, Message, ToolMessage } from "../contract/message.ts";
import { textOf } from "../contract/text-of.ts";

/**
 * The messages as a model accepts them: every tool result follows its call, and every call has its result. A log that
 * the agent wrote is already like that; other writers' logs may not be. Calls without a result and results without a
 * call are left out.
 */
export function pairToolCalls(messages: readonly Message[]): Message[] {
  const paired: Message[] = [];
  for (let index = 0; index < messages.length; index++) {
    const message = messages[index] as Message; // within the array's bounds
    if (message.role === "tool") continue; // results are added with their call
    if (message.role !== "assistant" || message.toolCalls === undefined) {
      paired.push(message);
      continue;
    }
    paired.push(...withResults(message, resultsAfter(messages, index)));
  }
  return paired;
}

/** The tool messages that directly follow `messages[index]`. */
function resultsAfter(messages: readonly Message[], index: number): ToolMessage[] {
  const results: ToolMessage[] = [];
  for (let next = messages[index + 1]; next?.role === "tool"; next = messages[index + results.length + 1])
    results.push(next);
  return results;
}

/**
 * An assistant message with only the calls that have a result, then the results, each once, in the order in which they
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
