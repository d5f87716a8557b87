import { newId } from "./new-id.ts";

/**
 * One message of a conversation, close to OpenAI's Chat Completions. Fields that this library does not know survive
 * storing and loading. Make one with {@link user}, {@link assistant}, {@link tool} or {@link system}.
 */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

interface MessageBase {
  /** Names the message for ever. The agent gives one to each message; it finds stored turns by it. */
  id: string;
  /** When it was said: milliseconds since 1970. */
  createdAt: number;
  /** Who speaks, where several share a role. */
  name?: string;
  /** The application's own. */
  metadata?: Record<string, unknown>;
}

export interface SystemMessage extends MessageBase {
  role: "system";
  content: string | ContentPart[];
}

export interface UserMessage extends MessageBase {
  role: "user";
  content: string | ContentPart[];
}

export interface AssistantMessage extends MessageBase {
  role: "assistant";
  /** `null` where the model only called tools, or refused. */
  content: string | ContentPart[] | null;
  toolCalls?: ToolCall[];
  /** What the model said instead of an answer. */
  refusal?: string;
  /** `"aborted"`: the text is what had come when the caller stopped. */
  status?: "aborted";
  /** What this one call of the model took. */
  usage?: Usage;
}

export interface ToolMessage extends MessageBase {
  role: "tool";
  /** Which {@link ToolCall} this is the result of. */
  toolCallId: string;
  content: string | ContentPart[];
  /** `"error"`: the tool failed, and the content tells the model how. */
  status?: "error";
}

/** A request of the model that a tool be run. */
export interface ToolCall {
  id: string;
  name: string;
  /** JSON text, as the model wrote it: it may be malformed. */
  arguments: string;
}

/** Tokens, as the model's provider counts them. */
export interface Usage {
  promptTokens: number;
  completionTokens: number;
  totalTokens: number;
}

/** A piece of a message that is not just text, in the shape of Chat Completions. */
export type ContentPart = TextPart | ImagePart | AudioPart | FilePart;

export interface TextPart {
  type: "text";
  text: string;
}

export interface ImagePart {
  type: "image_url";
  /** An https or data URL. */
  image_url: { url: string; detail?: "auto" | "low" | "high" };
}

export interface AudioPart {
  type: "input_audio";
  /** `data` is base64. */
  input_audio: { data: string; format: "wav" | "mp3" };
}

export interface FilePart {
  type: "file";
  /** Either the id of an uploaded file, or a data URL with a name. */
  file: { file_id?: string; file_data?: string; filename?: string };
}

/** What a maker lets the caller set beside role and content. */
type Fields<M extends Message> = Partial<Omit<M, "role" | "content" | "toolCallId">>;

export function system(content: SystemMessage["content"], fields: Fields<SystemMessage> = {}): SystemMessage {
  return { role: "system", content, ...stamp(), ...fields };
}

export function user(content: UserMessage["content"], fields: Fields<UserMessage> = {}): UserMessage {
  return { role: "user", content, ...stamp(), ...fields };
}

export function assistant(
  content: AssistantMessage["content"],
  fields: Fields<AssistantMessage> = {},
): AssistantMessage {
  return { role: "assistant", content, ...stamp(), ...fields };
}

/** The result of the tool call `toolCallId`. */
export function tool(
  toolCallId: string,
  content: ToolMessage["content"],
  fields: Fields<ToolMessage> = {},
): ToolMessage {
  return { role: "tool", toolCallId, content, ...stamp(), ...fields };
}

function stamp(): { id: string; createdAt: number } {
  return { id: newId(), createdAt: Date.now() };
}

/** Whether a turn begins with this record: with what the user says. A record without a role stands for itself. */
export function beginsTurn(record: object): boolean {
  const { role } = record as { role?: unknown };
  return typeof role !== "string" || role === "user";
}

/** Whether a stored record is a message. */
export function isMessage(record: object): record is Message {
  return messageProblem(record) === undefined;
}

/** What keeps a record from being a {@link Message}; `undefined`: nothing does. Fields that a message need not have are free. */
export function messageProblem(record: object): string | undefined {
  const { role, content, toolCalls, toolCallId } = record as { [key: string]: unknown };
  const isContent = typeof content === "string" || (Array.isArray(content) && content.every(isPart));
  switch (role) {
    case "system":
    case "user":
      return isContent ? undefined : `the content of a ${role} message must be text or parts`;
    case "assistant":
      if (!isContent && content !== null) return "the content of an assistant message must be text, parts or null";
      return toolCalls === undefined || (Array.isArray(toolCalls) && toolCalls.every(isToolCall))
        ? undefined
        : "toolCalls must be an array of { id, name, arguments }";
    case "tool":
      return isContent && typeof toolCallId === "string"
        ? undefined
        : "a tool message must have content and a toolCallId";
    default:
      return "its role must be system, user, assistant or tool";
  }
}

function isPart(part: unknown): boolean {
  return typeof part === "object" && part !== null && typeof (part as { type?: unknown }).type === "string";
}

/** Whether a value is a call as it must be: three texts. */
export function isToolCall(call: unknown): call is ToolCall {
  if (typeof call !== "object" || call === null) return false;
  const { id, name, arguments: text } = call as Partial<Record<keyof ToolCall, unknown>>;
  return typeof id === "string" && typeof name === "string" && typeof text === "string";
}

/** The text of a message: its content, or the text parts of it together. A refusal and `null` have none. */
export function textOf(message: Message): string {
  const { content } = message;
  if (content === null) return "";
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
