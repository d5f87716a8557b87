import { MemoryError } from "../../contract/memory-error.ts";
import {
  type AssistantMessage,
  assistant,
  type ContentPart,
  type Message,
  system,
  type TextPart,
  type ToolCall,
  tool,
  user,
} from "../../contract/message.ts";
import type { ToolSpec } from "../chat-model.ts";

/** A message in a request to OpenAI's Chat Completions. Assignable to the SDK's `ChatCompletionMessageParam`. */
export type OpenAIMessage =
  | {
      /** An instruction to the model. */
      role: "system";
      /** Text, or parts. */
      content: string | TextPart[];
      /** Tells apart speakers that share a role. Absent: the role is enough. */
      name?: string;
    }
  | {
      /** What the user says. */
      role: "user";
      /** Text, or parts such as images and files. */
      content: string | ContentPart[];
      /** Tells apart speakers that share a role. Absent: the role is enough. */
      name?: string;
    }
  | OpenAIAssistantMessage
  | {
      /** The result of one tool call. */
      role: "tool";
      /** The result as text, or parts. */
      content: string | TextPart[];
      /** The id of the call that this is the result of. */
      tool_call_id: string;
    };

interface OpenAIAssistantMessage {
  /** What the model says. */
  role: "assistant";
  /** Text, or parts. `null`: the model only called tools, or refused. */
  content: string | TextPart[] | null;
  /** What the model said instead of an answer. Absent: it did not refuse. */
  refusal?: string;
  /** Tells apart speakers that share a role. Absent: the role is enough. */
  name?: string;
  /** The tools that the model asks to run. Absent: none. */
  tool_calls?: OpenAIToolCall[];
}

interface OpenAIToolCall {
  /** Identifies the call. Its result refers to it. */
  id: string;
  /** Always `"function"`. */
  type: "function";
  /** The name of the tool, and its arguments as JSON text. */
  function: { name: string; arguments: string };
}

/** A tool in a request to Chat Completions. */
export interface OpenAITool {
  type: "function";
  function: ToolSpec;
}

/**
 * Converts messages for a request to Chat Completions. Fields of this library (`id`, `createdAt`, `status`, `usage`,
 * `metadata`) and unknown fields are left out, so an aborted answer is sent as its plain text so far.
 */
export function toOpenAIMessages(messages: readonly Message[]): OpenAIMessage[] {
  return messages.map(toOpenAIMessage);
}

function toOpenAIMessage(message: Message): OpenAIMessage {
  const { role } = message;
  const name = message.name === undefined ? {} : { name: message.name };
  switch (role) {
    case "system":
      return { role, content: textParts(message.content), ...name };
    case "user":
      return { role, content: message.content, ...name };
    case "assistant":
      return {
        role,
        content: message.content === null ? null : textParts(message.content),
        ...name,
        ...spokenBeside(message),
      };
    case "tool":
      return { role, content: textParts(message.content), tool_call_id: message.toolCallId };
  }
}

/**
 * The server decides which parts a role may have: some accept images in tool results, and the others report an error.
 */
function textParts(content: string | ContentPart[]): string | TextPart[] {
  return content as string | TextPart[];
}

function spokenBeside({
  refusal,
  toolCalls = [],
}: AssistantMessage): Pick<OpenAIAssistantMessage, "refusal" | "tool_calls"> {
  return {
    ...(refusal !== undefined && { refusal }),
    // Servers refuse an empty list.
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toOpenAIToolCall) }),
  };
}

function toOpenAIToolCall({ id, name, arguments: text }: ToolCall): OpenAIToolCall {
  // Some servers parse the arguments of earlier calls, but models write nothing for a tool without arguments.
  return { id, type: "function", function: { name, arguments: text.trim() === "" ? "{}" : text } };
}

export function toOpenAITools(tools: readonly ToolSpec[]): OpenAITool[] {
  return tools.map((spec) => ({ type: "function", function: spec }));
}

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
  /** With the role `"tool"`: the id of the call that this is the result of. */
  tool_call_id?: string | undefined;
}

interface OpenAIToolCallLike {
  /** Identifies the call. Its result refers to it. */
  id: string;
  /** The name of the tool, and its arguments as JSON text. Absent: a call of a custom tool, which is refused. */
  function?: { name: string; arguments: string } | undefined;
}

/**
 * Converts a message of Chat Completions to a {@link Message}, with a new id and the current time; `developer` becomes
 * `system`. For applications that call the model themselves or import a history. Throws `INVALID_ARGUMENT` for other
 * roles, calls of custom tools, and a tool result without `tool_call_id`.
 */
export function fromOpenAIMessage(message: OpenAIMessageLike): Message {
  const name = message.name === undefined ? {} : { name: message.name };
  switch (message.role) {
    case "system":
    case "developer":
      return system(contentOf(message) ?? "", name);
    case "user":
      return user(contentOf(message) ?? "", name);
    case "assistant":
      return fromAnswer(message, name);
    case "tool":
      if (message.tool_call_id === undefined) throw unfit("a tool result without its `tool_call_id`");
      return tool(message.tool_call_id, contentOf(message) ?? "", name);
    default:
      throw unfit(`a message with the role ${JSON.stringify(message.role)}`);
  }
}

function fromAnswer(message: OpenAIMessageLike, name: { name?: string }): AssistantMessage {
  const content = contentOf(message);
  const refusal = message.refusal ?? refusalIn(message.content);
  const toolCalls = (message.tool_calls ?? []).map(fromToolCall);
  return assistant(content, {
    ...name,
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(refusal !== null && { refusal }),
  });
}

function contentOf({ content }: OpenAIMessageLike): string | ContentPart[] | null {
  if (content === undefined || content === null || typeof content === "string") return content ?? null;
  const parts = content.filter((part) => part.type !== "refusal");
  // `ContentPart` has the format of Chat Completions. Unknown kinds of parts are kept unchanged.
  return parts.length === 0 && content.length > 0 ? null : (structuredClone(parts) as ContentPart[]);
}

/** If an answer consists of parts, its refusal is one of them. */
function refusalIn(content: OpenAIMessageLike["content"]): string | null {
  if (!Array.isArray(content)) return null;
  const refusals = content.flatMap((part: { type: string; refusal?: unknown }) =>
    part.type === "refusal" && typeof part.refusal === "string" ? [part.refusal] : [],
  );
  return refusals.length === 0 ? null : refusals.join("");
}

function fromToolCall({ id, function: called }: OpenAIToolCallLike): ToolCall {
  if (called === undefined) throw unfit("a call of something other than a function");
  return { id, name: called.name, arguments: called.arguments };
}

function unfit(what: string): MemoryError {
  return new MemoryError("INVALID_ARGUMENT", `A conversation cannot hold ${what}.`, {
    hint: "Leave this message out, or turn it into text first.",
  });
}
