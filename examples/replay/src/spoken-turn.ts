import type { RecordedMessage } from "@deep-agent-examples/offline-model";

/**
 * Whether an agent can produce this turn: a question, rounds of tool calls with their results, and an answer. Recorded
 * turns may lack the question or the answer, or hold several answers.
 */
export function isSpoken([question, ...rest]: readonly RecordedMessage[]): boolean {
  const answer = rest.pop();
  return isQuestion(question) && isAnswer(answer) && areRounds(rest);
}

function isQuestion(message: RecordedMessage | undefined): boolean {
  const { role, content = null } = message ?? {};
  return role === "user" && content !== null && !(Array.isArray(content) && content.length === 0);
}

function isAnswer(message: RecordedMessage | undefined): boolean {
  return message?.role === "assistant" && typeof message.content === "string" && (message.toolCalls ?? []).length === 0;
}

/** Whether these are messages that call tools, each followed by the results in the order of the calls. */
function areRounds(messages: readonly RecordedMessage[]): boolean {
  let expected: string[] = [];
  for (const { role, content, toolCalls = [], toolCallId } of messages) {
    const next = expected.shift();
    if (next !== undefined) {
      if (role !== "tool" || toolCallId !== next || typeof content !== "string") return false;
    } else {
      // An agent stores a call without text with the content null.
      if (role !== "assistant" || toolCalls.length === 0 || content === "" || Array.isArray(content)) return false;
      expected = toolCalls.map(({ id }) => id);
    }
  }
  return expected.length === 0;
}
