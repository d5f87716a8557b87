import type { AssistantMessage, Message, ToolCall, ToolMessage } from "../contract/message.ts";
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
 * An assistant message with only the calls that have a result, then the results in the order of their calls. If a call
 * has several results, the last one counts. A message of which nothing would remain is left out.
 */
function withResults(message: AssistantMessage, results: readonly ToolMessage[]): Message[] {
  const { toolCalls = [], ...rest } = message;
  const pairs = toolCalls.flatMap((call, index) => {
    const result = resultOf(toolCalls, index, results);
    return result === undefined ? [] : [{ call, result }];
  });
  const kept = pairs.map(({ result }) => result);
  if (pairs.length === toolCalls.length) return [message, ...kept];
  if (pairs.length > 0) return [{ ...rest, toolCalls: pairs.map(({ call }) => call) }, ...kept];
  return textOf(message) === "" && message.refusal === undefined ? [] : [rest];
}

/** Calls that share an id have their results in the same order. */
function resultOf(calls: readonly ToolCall[], index: number, results: readonly ToolMessage[]): ToolMessage | undefined {
  const id = calls[index]?.id;
  const own = results.filter(({ toolCallId }) => toolCallId === id);
  const before = calls.slice(0, index).filter((call) => call.id === id).length;
  const after = calls.slice(index + 1).filter((call) => call.id === id).length;
  return own[Math.max(before, own.length - 1 - after)];
}
