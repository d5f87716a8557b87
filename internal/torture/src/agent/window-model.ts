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

/** The part of its messages that a request and a log share, as text, for comparison. */
export function shownInRequest(messages: readonly ChatMessage[]): string {
  return shown(
    messages.map(({ role, content, tool_call_id: answered, tool_calls: calls = [] }) => {
      return { role, content, answered, calls };
    }),
  );
}

export function shownInLog(messages: readonly Message[]): string {
  return shown(
    messages.map((message) => ({
      role: message.role,
      content: message.content,
      answered: message.role === "tool" ? message.toolCallId : undefined,
      calls: message.role === "assistant" ? (message.toolCalls ?? []) : [],
    })),
  );
}

interface Shown {
  readonly role: string;
  readonly content: unknown;
  readonly answered: string | undefined;
  readonly calls: readonly { readonly id: string }[];
}

/** A call is shown by its number, because a model is sent other ids for the calls of another server. */
function shown(messages: readonly Shown[]): string {
  const numbers = new Map<string, number>();
  const begin = (id: string): number => numbers.set(id, numbers.size).size;
  return messages
    .map(({ role, content, answered, calls }) => {
      const result = answered === undefined ? "" : (numbers.get(answered) ?? "stray");
      return [role, content ?? "", result, ...calls.map(({ id }) => begin(id))].join("|");
    })
    .join("\n");
}
