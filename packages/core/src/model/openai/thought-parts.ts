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

/** Whether the text of an answer or a piece of it is marked as a thought, as Google's endpoint does. */
export function isThought({ extra_content: extra }: JsonObject): boolean {
  return fieldsIn(fieldsIn(extra)["google"])["thought"] === true;
}

/** The fields without that mark, which belongs to the text of one piece. */
export function withoutThoughtMark(fields: JsonObject): JsonObject {
  if (!isThought(fields)) return fields;
  const { google, ...extra } = fieldsIn(fields["extra_content"]);
  const { thought: _, ...others } = fieldsIn(google);
  const isMarkAlone = Object.keys(others).length + Object.keys(extra).length === 0;
  return { ...fields, extra_content: isMarkAlone ? undefined : { ...extra, google: others } };
}

/** The thought in a marked text, without its tags, and what was said after it. `undefined`: the thought goes on. */
export function splitThought(text: string): { thought: string; said: string | undefined } {
  const end = text.indexOf("</thought>");
  const thought = (end < 0 ? text : text.slice(0, end)).replace(/^\s*<thought>/, "");
  return { thought, said: end < 0 ? undefined : text.slice(end + "</thought>".length) };
}
