import { fieldsIn, isJsonObject } from "../../contract/json-object.ts";
import type { ContentPart, Message, ToolCall } from "../../contract/message.ts";

/**
 * A message without optional fields that are not what their type says: another program may have stored them, and one
 * of them would end the conversation. A part of text without text becomes an empty one.
 */
export function soundMessage(message: Message): Message {
  const { content } = message;
  const sound = { ...message, ...(Array.isArray(content) && { content: content.map(soundPart) }) };
  for (const field of ["name", "refusal", "reasoning"])
    if (typeof fieldsIn(sound)[field] !== "string") drop(sound, field);
  if (sound.role === "assistant" && sound.toolCalls !== undefined) sound.toolCalls = sound.toolCalls.map(soundCall);
  return withSoundMetadata(sound);
}

function soundPart(part: ContentPart): ContentPart {
  return part.type === "text" && typeof part.text !== "string" ? { ...part, text: "" } : part;
}

function soundCall(call: ToolCall): ToolCall {
  return withSoundMetadata({ ...call });
}

function withSoundMetadata<T extends object>(sound: T): T {
  const { source, fields, reasoningField = "" } = fieldsIn(fieldsIn(sound)["providerMetadata"]);
  const isSound = typeof source === "string" && isJsonObject(fields) && typeof reasoningField === "string";
  if (!isSound) drop(sound, "providerMetadata");
  return sound;
}

function drop(object: object, field: string): void {
  Reflect.deleteProperty(object, field);
}
