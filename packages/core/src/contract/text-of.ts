import { checkMessages } from "./check-messages.ts";
import type { AssistantMessage, Message } from "./message.ts";

/**
 * The text of a message: its content, or its text parts joined. Empty for a refusal and for `null`. Throws
 * `INVALID_ARGUMENT` for what is not a message.
 */
export function textOf(message: Message): string {
  checkMessages([message]);
  const { content } = message;
  if (content === null) return "";
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}

/** Fields in which a provider puts what its model says other than as text: sound, pictures, other parts. */
const speakingFields: readonly string[] = ["audio", "images", "content"];

/** Whether an answer holds nothing for a reader: no text but white space, no call, no refusal, no other content. */
export function saysNothing(message: AssistantMessage): boolean {
  const { content, toolCalls = [], refusal = "", providerMetadata } = message;
  if (toolCalls.length > 0 || refusal.trim() !== "") return false;
  if (Array.isArray(content) && content.some(({ type }) => type !== "text")) return false;
  if (textOf(message).trim() !== "") return false;
  return !Object.keys(providerMetadata?.fields ?? {}).some((name) => speakingFields.includes(name));
}
