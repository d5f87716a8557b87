import { fieldsIn, type JsonObject } from "../../contract/json-object.ts";
import { MemoryError } from "../../contract/memory-error.ts";
import {
  type AssistantMessage,
  assistant,
  type ContentPart,
  type Message,
  type ProviderMetadata,
  system,
  type ToolCall,
  tool,
  user,
} from "../../contract/message.ts";
import { newId } from "../../contract/new-id.ts";
import { callFields, functionFields, messageFields, reasoningFields } from "./known-fields.ts";
import { isThought, isThoughtPart, splitThought, thoughtIn, withoutThoughtMark } from "./thought-parts.ts";

/** A part of a message, which {@link fromOpenAIMessage} keeps as it is. */
export interface OpenAIPartLike {
  /** The kind of the part, such as `"text"` or `"image_url"`. */
  type: string;
}

/** What {@link fromOpenAIMessage} reads of a message in a request to Chat Completions, or in an answer. */
export interface OpenAIMessageLike {
  /** `"system"`, `"developer"`, `"user"`, `"assistant"` or `"tool"`; others are refused. */
  role: string;
  /** Text, or parts. Absent or `null`: none. */
  content?: string | readonly OpenAIPartLike[] | null | undefined;
  /** Tells apart speakers that share a role. Absent: the role is enough. */
  name?: string | undefined;
  /** What the model said instead of an answer. Absent or `null`: it did not refuse. */
  refusal?: string | null | undefined;
  /** The tools that the model asks to run. Absent or `null`: none. */
  tool_calls?: readonly OpenAIToolCallLike[] | null | undefined;
  /** The old form of `tool_calls`: one call, without an id. Absent or `null`: none. */
  function_call?: OpenAIFunctionLike | null | undefined;
  /** With the role `"tool"`: the id of the call that this is the result of. */
  tool_call_id?: string | undefined;
}

interface OpenAIFunctionLike {
  /** The name of the tool. */
  name: string;
  /** The arguments as JSON text. */
  arguments: string;
}

interface OpenAIToolCallLike {
  /** Identifies the call. Its result refers to it. */
  id: string;
  /** The name of the tool, and its arguments as JSON text. Absent: a call of a custom tool, which is refused. */
  function?: OpenAIFunctionLike | undefined;
}

/**
 * Converts a message of Chat Completions to a {@link Message}, with a new id and the current time; `developer` becomes
 * `system`. For applications that import a history. Fields of an answer and of its calls that this library does not
 * know are kept as `providerMetadata`, with an empty `source`: they go to no server. {@link fromOpenAIAnswer} keeps
 * them for the server that sent them. Throws `INVALID_ARGUMENT` for other roles, calls of custom tools, and a tool
 * result without `tool_call_id`.
 */
export function fromOpenAIMessage(message: OpenAIMessageLike): Message {
  if (typeof message !== "object" || message === null) throw unfit("a value that is not an object");
  const name = typeof message.name === "string" ? { name: message.name } : {};
  switch (message.role) {
    case "system":
    case "developer":
      return system(contentOf(message) ?? "", name);
    case "user":
      return user(contentOf(message) ?? "", name);
    case "assistant":
      return fromAnswer(message, "");
    case "tool":
      if (typeof message.tool_call_id !== "string") throw unfit("a tool result without its `tool_call_id`");
      return tool(message.tool_call_id, contentOf(message) ?? "", name);
    default:
      throw unfit(`a message with the role ${JSON.stringify(message.role)}`);
  }
}

/**
 * Converts an answer of Chat Completions to a message, with a new id and the current time. For applications that call
 * the model themselves. `source` names the server and its model in any way: give the same to `toOpenAIMessages`, and
 * what the server added to its answer goes back to it. Throws `INVALID_ARGUMENT` for another role than `"assistant"`,
 * and for calls of custom tools.
 */
export function fromOpenAIAnswer(message: OpenAIMessageLike, source: string): AssistantMessage {
  if (typeof source !== "string") throw unfit("an answer whose `source` is not text");
  if (message?.role !== "assistant") throw unfit("an answer whose role is not `assistant`");
  return fromAnswer(message, source);
}

function fromAnswer(message: OpenAIMessageLike, source: string): AssistantMessage {
  const said = message.content;
  const marked = isThought(fieldsIn(message)) && typeof said === "string" ? splitThought(said) : undefined;
  const content = marked === undefined ? contentOf(message) : (marked.said ?? null);
  const refusal = message.refusal ?? refusalIn(message.content);
  const toolCalls = callsOf(message).map((call) => fromToolCall(call, source));
  const given = fieldsIn(message);
  const named = reasoningFields.filter((field) => typeof given[field] === "string");
  const namedField = named.find((field) => given[field] !== "") ?? named[0];
  const thought = thoughtsIn(message.content);
  const reasoningField = namedField ?? (thought === "" ? undefined : "content");
  const reasoning = namedField === undefined ? (marked?.thought ?? thought) : String(given[namedField]);
  const metadata = metadataOf(
    withoutThoughtMark(given),
    [...messageFields, ...(namedField ? [namedField] : [])],
    source,
  );
  // A server that sent reasoning or a refusal is told it under the name that it used.
  const isNeeded = reasoningField !== undefined || (refusal !== null && source !== "");
  const needed = metadata ?? (isNeeded ? { source, fields: {} } : undefined);
  return assistant(content ?? transcriptOf(given), {
    ...(typeof message.name === "string" && { name: message.name }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(refusal !== null && { refusal }),
    ...(reasoning !== "" && { reasoning }),
    ...(needed !== undefined && {
      providerMetadata: { ...needed, ...(reasoningField !== undefined && { reasoningField }) },
    }),
  });
}

function callsOf({ tool_calls: calls, function_call: called }: OpenAIMessageLike): readonly OpenAIToolCallLike[] {
  if (calls !== undefined && calls !== null) {
    if (!Array.isArray(calls)) throw unfit("`tool_calls` that are not a list");
    return Array.from(calls); // a hole is no call
  }
  return called === undefined || called === null ? [] : [{ id: `call_${newId()}`, function: called }];
}

/** The fields that are not known; `undefined`: no such field has a value. */
function metadataOf(from: object, known: readonly string[], source: string): ProviderMetadata | undefined {
  const fields = Object.entries(from).filter(([name, value]) => !known.includes(name) && saysSomething(value));
  return fields.length === 0 ? undefined : { source, fields: copyOf(Object.fromEntries(fields)) };
}

function copyOf<T>(value: T): T {
  try {
    return structuredClone(value);
  } catch {
    throw unfit("a field that JSON cannot hold, such as a function");
  }
}

function saysSomething(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}

function contentOf({ content }: OpenAIMessageLike): string | ContentPart[] | null {
  if (content === undefined || content === null || typeof content === "string") return content ?? null;
  if (!Array.isArray(content) || !Array.from(content).every((part) => typeof part?.type === "string")) {
    throw unfit("`content` that is neither text nor a list of parts");
  }
  const parts = content.filter((part: OpenAIPartLike) => part.type !== "refusal" && !isThoughtPart(part.type));
  // `ContentPart` has the format of Chat Completions. Unknown kinds of parts are kept unchanged.
  return parts.length === 0 && content.length > 0 ? null : (copyOf(parts) as ContentPart[]);
}

/** If an answer consists of parts, what was thought is among them. */
function thoughtsIn(content: OpenAIMessageLike["content"]): string {
  if (!Array.isArray(content)) return "";
  const thoughts = content.filter((part: OpenAIPartLike) => isThoughtPart(part.type));
  return thoughts.map((part) => thoughtIn(fieldsIn(part))).join("");
}

/** The text of an answer that is sound. `null`: it has none. */
function transcriptOf({ audio }: JsonObject): string | null {
  const { transcript } = fieldsIn(audio);
  return typeof transcript === "string" && transcript !== "" ? transcript : null;
}

/** If an answer consists of parts, its refusal is one of them. */
function refusalIn(content: OpenAIMessageLike["content"]): string | null {
  if (!Array.isArray(content)) return null;
  const refusals = content.flatMap((part: { type: string; refusal?: unknown }) =>
    part.type === "refusal" && typeof part.refusal === "string" ? [part.refusal] : [],
  );
  return refusals.length === 0 ? null : refusals.join("");
}

function fromToolCall(call: OpenAIToolCallLike, source: string): ToolCall {
  const { id, function: called } = call ?? {};
  if (called === undefined || called === null) throw unfit("a call in `tool_calls` of something other than a function");
  if (typeof id !== "string" || typeof called.name !== "string" || typeof called.arguments !== "string") {
    throw unfit("a call in `tool_calls` whose id, name or arguments are not text");
  }
  const own = metadataOf(call, callFields, source)?.fields;
  const inner = metadataOf(called, functionFields, source)?.fields;
  const fields = { ...own, ...(inner !== undefined && { function: inner }) };
  return {
    ...{ id, name: called.name, arguments: called.arguments },
    ...(Object.keys(fields).length > 0 && { providerMetadata: { source, fields } }),
  };
}

function unfit(what: string): MemoryError {
  return new MemoryError("INVALID_ARGUMENT", `A conversation cannot hold ${what}.`, {
    hint: "Leave this message out, or turn it into text first.",
  });
}
