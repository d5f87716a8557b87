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

/** A message as OpenAI's Chat Completions take it. Assignable to the SDK's `ChatCompletionMessageParam`. */
export type OpenAIMessage =
  | { role: "system"; content: string | TextPart[]; name?: string }
  | { role: "user"; content: string | ContentPart[]; name?: string }
  | OpenAIAssistantMessage
  | { role: "tool"; content: string | TextPart[]; tool_call_id: string };

interface OpenAIAssistantMessage {
  role: "assistant";
  content: string | TextPart[] | null;
  refusal?: string;
  name?: string;
  tool_calls?: OpenAIToolCall[];
}

interface OpenAIToolCall {
  id: string;
  type: "function";
  function: { name: string; arguments: string };
}

/** A tool as Chat Completions take it. */
export interface OpenAITool {
  type: "function";
  function: ToolSpec;
}

/**
 * The messages as Chat Completions take them. What is this library's own (`id`, `createdAt`, `status`, `usage`, `metadata`)
 * and fields that it does not know stay behind, so an aborted answer goes out as the plain text that had come.
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

/** Which parts a role may hold is the server's to judge: some take images in tool results, and say so themselves if not. */
function textParts(content: string | ContentPart[]): string | TextPart[] {
  return content as string | TextPart[];
}

function spokenBeside({
  refusal,
  toolCalls = [],
}: AssistantMessage): Pick<OpenAIAssistantMessage, "refusal" | "tool_calls"> {
  return {
    ...(refusal !== undefined && { refusal }),
    // An empty list is refused.
    ...(toolCalls.length > 0 && { tool_calls: toolCalls.map(toOpenAIToolCall) }),
  };
}

function toOpenAIToolCall({ id, name, arguments: text }: ToolCall): OpenAIToolCall {
  // Some servers parse the arguments of earlier calls, and models write none for a tool that takes none.
  return { id, type: "function", function: { name, arguments: text.trim() === "" ? "{}" : text } };
}

export function toOpenAITools(tools: readonly ToolSpec[]): OpenAITool[] {
  return tools.map((spec) => ({ type: "function", function: spec }));
}

/** What {@link fromOpenAIMessage} reads of a message of Chat Completions, of a request or of an answer. */
export interface OpenAIMessageLike {
  role: string;
  content?: string | readonly { type: string }[] | null | undefined;
  name?: string | undefined;
  refusal?: string | null | undefined;
  tool_calls?: readonly OpenAIToolCallLike[] | null | undefined;
  tool_call_id?: string | undefined;
}

interface OpenAIToolCallLike {
  id: string;
  function?: { name: string; arguments: string } | undefined;
}

/**
 * A message of Chat Completions as a {@link Message}, with an id and time of its own; `developer` becomes `system`. For
 * those who call the model themselves, or bring a history along. Throws `INVALID_ARGUMENT` for what a message cannot hold: other
 * roles, calls of custom tools.
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
  // The parts of Chat Completions are our own; kinds that this library does not know yet are kept as they are.
  return parts.length === 0 && content.length > 0 ? null : (structuredClone(parts) as ContentPart[]);
}

/** An answer given as parts holds its refusal among them. */
function refusalIn(content: OpenAIMessageLike["content"]): string | null {
  if (!Array.isArray(content)) return null;
  const refusals = content.flatMap((part: { type: string; refusal?: unknown }) =>
    part.type === "refusal" && typeof part.refusal === "string" ? [part.refusal] : [],
  );
  return refusals.length === 0 ? null : refusals.join("");
}

function fromToolCall({ id, function: called }: OpenAIToolCallLike): ToolCall {
  if (called === undefined) throw unfit("a call of something else than a function");
  return { id, name: called.name, arguments: called.arguments };
}

function unfit(what: string): MemoryError {
  return new MemoryError("INVALID_ARGUMENT", `A conversation cannot hold ${what}.`);
}
