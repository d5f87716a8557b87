import type { ChatMessage } from "@copilotkit/aimock";
import type { Message } from "@deep-agent/core";

/**
 * The window that a log must have, computed without core's code: the newest whole turns within the limit, at least one.
 */
export function expectedWindow(content: readonly Message[], maxMessages: number): Message[] {
  const turns: Message[][] = [];
  for (const message of content) {
    const turn = turns.at(-1);
    if (message.role === "user" || turn === undefined) turns.push([message]);
    else turn.push(message);
  }
  let window: Message[] = [];
  for (const turn of turns.reverse()) {
    if (window.length > 0 && window.length + turn.length > maxMessages) break;
    window = [...turn, ...window];
  }
  return window;
}

/**
 * The problem with a request's messages, if any: a call without its results right after it, or a result without its
 * call.
 */
export function requestProblem(messages: readonly ChatMessage[]): string | undefined {
  let open = new Set<string>();
  for (const [index, { role, tool_calls: calls = [], tool_call_id: answered }] of messages.entries()) {
    if (role === "tool") {
      if (answered === undefined || !open.delete(answered)) return `message ${index} is a result without its call`;
      continue;
    }
    if (open.size > 0) return `the calls before message ${index} lack results`;
    open = new Set(calls.map(({ id }) => id));
  }
  return open.size > 0 ? "the last calls lack results" : undefined;
}

/** The part of a message that a request and a log share, as text, for comparison. */
export function shownInRequest(message: ChatMessage): string {
  const calls = message.tool_calls?.map(({ id }) => id) ?? [];
  return [message.role, message.content ?? "", message.tool_call_id ?? "", ...calls].join("|");
}

export function shownInLog(message: Message): string {
  const calls = message.role === "assistant" ? (message.toolCalls?.map(({ id }) => id) ?? []) : [];
  const answered = message.role === "tool" ? message.toolCallId : "";
  return [message.role, message.content ?? "", answered, ...calls].join("|");
}
