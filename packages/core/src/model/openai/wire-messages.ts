import type { ContentPart, TextPart } from "../../contract/message.ts";

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
      /** The name of the tool, which some servers require. Absent: it is not known. */
      name?: string;
    };

export interface OpenAIAssistantMessage {
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

export interface OpenAIToolCall {
  /** Identifies the call. Its result refers to it. */
  id: string;
  /** Always `"function"`. */
  type: "function";
  /** The name of the tool, and its arguments as JSON text. */
  function: { name: string; arguments: string };
}
