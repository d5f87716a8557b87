import { fieldsIn } from "../../contract/json-object.ts";
import type { ContentPart, TextPart } from "../../contract/message.ts";

/** The name of a speaker in the characters that OpenAI accepts. */
export function speaker(name = ""): { name?: string } {
  const sent = name.replaceAll(/[\s<|\\/>]+/g, "_").slice(0, 64);
  return sent === "" ? {} : { name: sent };
}

export function without(fields: object, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

/** Content without blank text, which some servers refuse. `null`: nothing remains. */
export function spoken<C extends string | ContentPart[]>(content: C): C | null {
  if (typeof content === "string") return content.trim() === "" ? null : content;
  const parts = content.filter((part) => part.type !== "text" || part.text.trim() !== "");
  return parts.length === 0 ? null : (parts as C); // `C` is an array here
}

/** Content without parts other than text, such as a picture: in the protocol, only a user sends others. */
export function textOnly(content: string | ContentPart[]): string | ContentPart[] {
  return typeof content === "string" ? content : content.filter((part) => part.type === "text");
}

/** Content as Mistral's models send and want it: what was thought, then what was said. */
export function withThought(thought: string, content: string | ContentPart[] | null): string | TextPart[] {
  const said = typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []);
  const part = { type: "thinking", thinking: [{ type: "text", text: thought }], closed: true };
  return textParts([part, ...said] as ContentPart[]); // a kind of part that is never stored
}

/** The server decides which parts a role may have. It reports an error for others. */
export function textParts(content: string | ContentPart[]): string | TextPart[] {
  return content as string | TextPart[];
}

/** OpenAI takes the sound of an earlier answer by its id, until that has expired. Its text is sent after that. */
export function audioOf(audio: unknown): { id: string } | undefined {
  const { id, expires_at: expiresAt } = fieldsIn(audio);
  const hasExpired = typeof expiresAt === "number" && expiresAt * 1_000 <= Date.now();
  return typeof id === "string" && !hasExpired ? { id } : undefined;
}

/** Thoughts of these models are refused without their signature. */
export function withoutUnsigned(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { reasoning_details: details, thinking_blocks: blocks } = fields;
  return {
    ...fields,
    ...(Array.isArray(details) && { reasoning_details: details.filter(isAccepted) }),
    ...(Array.isArray(blocks) && { thinking_blocks: blocks.filter(isAccepted) }),
  };
}

function isAccepted(part: unknown): boolean {
  const { type, format, signature } = fieldsIn(part);
  const isSigned = typeof signature === "string" && signature !== "";
  if (type === "thinking") return isSigned;
  return type !== "reasoning.text" || isSigned || !/anthropic|google/.test(String(format));
}
