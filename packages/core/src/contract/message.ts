import { fieldsIn, isJsonObject } from "./json-object.ts";
import { newId } from "./new-id.ts";

/**
 * One message of a conversation, similar to those of OpenAI's Chat Completions. Fields that this library does not know
 * are stored and loaded unchanged. Make a message with {@link user}, {@link assistant}, {@link tool} or {@link system}.
 */
export type Message = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

/** What messages of every role have. */
interface MessageBase {
  /** Identifies the message permanently. The agent gives an id to each message and recognises stored turns by it. */
  id: string;
  /** When the message was made: milliseconds since 1970. */
  createdAt: number;
  /** Tells apart speakers that share a role. Absent: the role is enough. */
  name?: string;
  /** Data of the application, stored with the message. `OpenAIModel` does not send it. Absent: none. */
  metadata?: Record<string, unknown>;
}

/** An instruction to the model. */
export interface SystemMessage extends MessageBase {
  /** Always `"system"`. */
  role: "system";
  /** Text, or parts. */
  content: string | ContentPart[];
}

/** What the user says. It begins a turn. */
export interface UserMessage extends MessageBase {
  /** Always `"user"`. */
  role: "user";
  /** Text, or parts such as images and files. */
  content: string | ContentPart[];
}

/** What the model says. */
export interface AssistantMessage extends MessageBase {
  /** Always `"assistant"`. */
  role: "assistant";
  /** Text, or parts. `null`: the model only called tools, or refused. */
  content: string | ContentPart[] | null;
  /** The tools that the model asks to run. Absent: none. */
  toolCalls?: ToolCall[];
  /** What the model said instead of an answer. Absent: it did not refuse. */
  refusal?: string;
  /** What the model thought before it answered, as text, if the provider shows it. Absent: nothing was shown. */
  reasoning?: string;
  /**
   * Why this is not a whole answer. `"aborted"`: the caller aborted, and the text is what the model had produced by
   * then. `"incomplete"`: the provider cut it, for the {@link finishReason}. `"empty"`: the model ended without saying
   * anything. Absent: the answer is whole.
   */
  status?: "aborted" | "incomplete" | "empty";
  /** With the status `"incomplete"`: why, in the provider's word, such as `"length"` or `"content_filter"`. */
  finishReason?: string;
  /** The tokens of this one model call. Absent: the model did not report them. */
  usage?: Usage;
  /** What the provider added to the message beyond these fields. Absent: nothing. */
  providerMetadata?: ProviderMetadata;
}

/**
 * Fields of an answer that this library does not know, such as the signature of a thought. A model of the same `source`
 * sends them back unchanged, because some providers require it. No other model is sent them.
 */
export interface ProviderMetadata {
  /** Who sent them. `OpenAIModel` writes its base URL, a space and the name of its model. */
  source: string;
  /** The fields by their name, with values that JSON can hold. */
  fields: Record<string, unknown>;
  /** The name of the field that held {@link AssistantMessage.reasoning}. Absent: there was no such field. */
  reasoningField?: string;
}

/** The result of one tool call. */
export interface ToolMessage extends MessageBase {
  /** Always `"tool"`. */
  role: "tool";
  /** The id of the {@link ToolCall} that this is the result of. */
  toolCallId: string;
  /** The result as text, or parts such as images. */
  content: string | ContentPart[];
  /** `"error"`: the tool failed, and the content tells the model why. Absent: it succeeded. */
  status?: "error";
}

/** A model's request to run a tool. */
export interface ToolCall {
  /** Identifies the call within the conversation. Its result refers to it. */
  id: string;
  /** The name of the tool. */
  name: string;
  /** The arguments as JSON text, exactly as the model wrote it: it may be malformed. */
  arguments: string;
  /** What the provider added to the call beyond these fields. Absent: nothing. */
  providerMetadata?: ProviderMetadata;
}

/** Tokens, as the model's provider counts them. */
export interface Usage {
  /** Tokens that the model was sent. */
  promptTokens: number;
  /** Tokens that the model produced. */
  completionTokens: number;
  /** All tokens that the provider counted. */
  totalTokens: number;
}

/** A part of a message that is not just text, in the format of Chat Completions. */
export type ContentPart = TextPart | ImagePart | AudioPart | FilePart;

/** Text in a message. */
export interface TextPart {
  /** Always `"text"`. */
  type: "text";
  /** What is said: any characters, also none. */
  text: string;
}

/** An image in a message. */
export interface ImagePart {
  /** Always `"image_url"`. */
  type: "image_url";
  /** The image. */
  image_url: {
    /** An https or data URL. */
    url: string;
    /** The resolution at which the model sees the image. Absent: the provider's default. */
    detail?: "auto" | "low" | "high";
  };
}

/** Sound in a message. */
export interface AudioPart {
  /** Always `"input_audio"`. */
  type: "input_audio";
  /** The sound. */
  input_audio: {
    /** The sound, in base64. */
    data: string;
    /** The format of the sound. */
    format: "wav" | "mp3";
  };
}

/** A file in a message. */
export interface FilePart {
  /** Always `"file"`. */
  type: "file";
  /** Either `file_id`, or `file_data` with a `filename`. */
  file: {
    /** The id of an uploaded file. Absent: the file is in `file_data`. */
    file_id?: string;
    /** The file as a data URL. Absent: the file is named by `file_id`. */
    file_data?: string;
    /** The name of the file in `file_data`. Absent: none. */
    filename?: string;
  };
}

/** The fields that a caller may set in addition to role and content. */
type Fields<M extends Message> = Partial<Omit<M, "role" | "content" | "toolCallId">>;

/** Makes a system message, with a new id and the current time unless `fields` sets them. */
export function system(content: SystemMessage["content"], fields: Fields<SystemMessage> = {}): SystemMessage {
  return { role: "system", content, ...stamp(), ...fields };
}

/** Makes a user message, with a new id and the current time unless `fields` sets them. */
export function user(content: UserMessage["content"], fields: Fields<UserMessage> = {}): UserMessage {
  return { role: "user", content, ...stamp(), ...fields };
}

/** Makes an assistant message, with a new id and the current time unless `fields` sets them. */
export function assistant(
  content: AssistantMessage["content"],
  fields: Fields<AssistantMessage> = {},
): AssistantMessage {
  return { role: "assistant", content, ...stamp(), ...fields };
}

/** Makes the result of the tool call `toolCallId`, with a new id and the current time unless `fields` sets them. */
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

/** Whether a turn begins with this record: a user message does. A record without a role is a turn of its own. */
export function beginsTurn(record: object): boolean {
  const { role } = fieldsIn(record);
  return typeof role !== "string" || role === "user";
}

/** Whether a stored record is a message. */
export function isMessage(record: unknown): record is Message {
  return messageProblem(record) === undefined;
}

/** Why a record is not a {@link Message}; `undefined`: it is one. Additional fields are allowed. */
export function messageProblem(record: unknown): string | undefined {
  if (!isJsonObject(record)) return "it is not an object";
  const { role, content, toolCalls, toolCallId } = record;
  const isContent = typeof content === "string" || (Array.isArray(content) && all(content, isPart));
  switch (role) {
    case "system":
    case "user":
      return isContent ? undefined : `the content of a ${role} message must be text or parts`;
    case "assistant":
      if (!isContent && content !== null) return "the content of an assistant message must be text, parts or null";
      return toolCalls === undefined || (Array.isArray(toolCalls) && all(toolCalls, isToolCall))
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

/** Why a record that a caller gives is not a message to store. What is stored already is read more leniently. */
export function newMessageProblem(record: unknown): string | undefined {
  const { content } = fieldsIn(record);
  const hasBlank = Array.isArray(content) && content.some((part) => isPart(part) && !isContent(part));
  return messageProblem(record) ?? (hasBlank ? "a part of text must have its `text`" : undefined);
}

/** Kinds of parts that this library does not know are content as they are. */
function isContent(part: unknown): boolean {
  const { type, text } = fieldsIn(part);
  return type !== "text" || typeof text === "string";
}

/** Like `every`, which leaves holes out. */
function all(items: readonly unknown[], isOne: (item: unknown) => boolean): boolean {
  return Array.from(items).every(isOne);
}

function isPart(part: unknown): boolean {
  return typeof fieldsIn(part)["type"] === "string";
}

/** Whether a value is a list of one or more content parts in the format of {@link ContentPart}. */
export function isContentParts(value: unknown): value is ContentPart[] {
  return Array.isArray(value) && value.length > 0 && all(value, isContentPart);
}

function isContentPart(part: unknown): boolean {
  if (!isPart(part)) return false;
  const { type, text, image_url: image, input_audio: audio, file } = fieldsIn(part);
  switch (type) {
    case "text":
      return typeof text === "string";
    case "image_url":
      return typeof fieldsIn(image)["url"] === "string";
    case "input_audio":
      return typeof fieldsIn(audio)["data"] === "string";
    case "file":
      return isJsonObject(file);
    default:
      return false;
  }
}

/** Whether a value is a valid tool call: id, name and arguments are strings. */
export function isToolCall(call: unknown): call is ToolCall {
  const { id, name, arguments: text } = fieldsIn(call);
  return typeof id === "string" && typeof name === "string" && typeof text === "string";
}
