import type { ContentPart } from "../../contract/message.ts";
import type { OpenAIMessage } from "./wire-messages.ts";

/**
 * The messages as templates of some models want them: at most one system message, which is the first; then a user's
 * message; then an assistant's and a user's in turns, with calls and results between them. Neighbours of one role are
 * joined; a later system message is sent as the user's.
 */
export function alternating(messages: readonly OpenAIMessage[]): OpenAIMessage[] {
  const sent: OpenAIMessage[] = [];
  for (const given of messages) {
    const isFirst = sent.every(({ role }) => role === "system");
    const message: OpenAIMessage = given.role === "system" && !isFirst ? { ...given, role: "user" } : given;
    const last = sent.at(-1);
    const joined = last && join(last, message);
    if (joined !== undefined) {
      sent.splice(-1, 1, joined);
      continue;
    }
    if (message.role === "assistant" && isFirst)
      sent.push({ role: "user", content: "(What came before is left out.)" });
    if (message.role === "user" && last?.role === "tool") sent.push({ role: "assistant", content: "(no answer)" });
    sent.push(message);
  }
  return sent;
}

/** One message for two neighbours; `undefined`: they stay two. */
function join(one: OpenAIMessage, other: OpenAIMessage): OpenAIMessage | undefined {
  if (one.role === "tool" || other.role === "tool" || one.role !== other.role) return undefined;
  if (one.role === "assistant" && one.tool_calls !== undefined) return undefined;
  const { name: _one, ...fields } = one;
  const { name, ...others } = other;
  const content = joinContent(one.content, other.content);
  const joined = { ...fields, ...others, content, ...(name !== undefined && name === one.name && { name }) };
  return joined as OpenAIMessage; // of the role that both have
}

function joinContent(one: Content, other: Content): Content {
  if (one === null || other === null) return one ?? other;
  if (typeof one === "string" && typeof other === "string") return `${one}\n\n${other}`;
  return [...partsOf(one), ...partsOf(other)];
}

type Content = string | ContentPart[] | null;

function partsOf(content: string | ContentPart[]): ContentPart[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}
