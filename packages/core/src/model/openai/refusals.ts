import { fieldsIn, type JsonObject } from "../../contract/json-object.ts";
import type { OpenAIMessage } from "./wire-messages.ts";

/** What a server has refused, and is not sent any more. */
export interface Refusals {
  /** It does not know the question for the usage. */
  readonly usage: boolean;
  /** It wants text beside calls, and not `null`. */
  readonly nullContent: boolean;
  /** Fields of earlier answers that it sent itself, and does not take back. */
  readonly fields: readonly string[];
}

/** What a request is made of, as far as a server may refuse it. */
export interface RequestBody {
  readonly [name: string]: unknown;
  readonly model: string;
  readonly messages: readonly OpenAIMessage[];
}

/** Fields of messages and calls that belong to the protocol. */
const ownFields: readonly string[] = [
  ...["role", "content", "name", "refusal", "audio", "tool_calls", "tool_call_id", "id", "type", "function"],
];

/**
 * The refusals that are known after a server refused `body`. `undefined`: the error names nothing that could be left
 * out. The text of an error is for people, so the next request may fail in the same way: then nothing was learned.
 */
export function learned(error: unknown, body: RequestBody, known: Refusals): Refusals | undefined {
  const { status, message } = fieldsIn(error);
  if (status !== 400 && status !== 422) return undefined;
  const text = String(message);
  if (body["stream_options"] !== undefined && /stream_options|include_usage/.test(text))
    return { ...known, usage: true };
  const named = addedFields(body.messages).find((name) => names(text, name));
  if (named !== undefined) return { ...known, fields: [...known.fields, named] };
  const isNull = body.messages.some(({ content }) => content === null);
  const wantsText = names(text, "content") && /null|nil|none|string|text|required|missing|empty/i.test(text);
  return isNull && wantsText ? { ...known, nullContent: true } : undefined;
}

/** The request without what was refused. */
export function withoutRefused(body: RequestBody, { usage, nullContent, fields }: Refusals): RequestBody {
  const { stream_options: options, messages, ...others } = body;
  const sent = messages.map((message) => {
    const kept = without(message, fields);
    const calls = kept["tool_calls"];
    const isSilent = nullContent && kept["content"] === null;
    return {
      ...kept,
      ...(Array.isArray(calls) && { tool_calls: calls.map((call) => without(fieldsIn(call), fields)) }),
      ...(isSilent && { content: "" }),
    } as OpenAIMessage; // the same role, with fewer fields
  });
  return { ...others, ...(!usage && options !== undefined && { stream_options: options }), messages: sent };
}

/** The names of the fields that a provider added to its answers, in messages and calls. */
function addedFields(messages: readonly object[]): string[] {
  const objects = messages.flatMap((message) => {
    const calls = fieldsIn(message)["tool_calls"];
    return [message, ...(Array.isArray(calls) ? calls.map(fieldsIn) : [])];
  });
  return [...new Set(objects.flatMap(Object.keys))].filter((name) => !ownFields.includes(name));
}

function without(fields: object, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)));
}

/** Whether a text has a name as a word of its own. */
function names(text: string, name: string): boolean {
  return text.split(/[^\w-]+/).includes(name);
}
