import { fieldsIn, type JsonObject } from "../../contract/json-object.ts";

/** Whether a part of this type was thought rather than said. */
export function isThoughtPart(type: unknown): boolean {
  return type === "thinking" || type === "reasoning";
}

/** The text of a part that was thought: a text, or a list of parts of text. Anything else has none. */
export function thoughtIn({ thinking, text, reasoning }: JsonObject): string {
  const value = thinking ?? text ?? reasoning;
  const pieces: unknown[] = Array.isArray(value) ? value : [value];
  return pieces
    .map((piece) => (typeof piece === "string" ? piece : fieldsIn(piece)["text"]))
    .filter((piece) => typeof piece === "string")
    .join("");
}
