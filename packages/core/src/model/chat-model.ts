import type { Message, ToolCall, Usage } from "../contract/message.ts";

/**
 * A language model, as the agent sees it: messages in, a stream of events out. Write one to use a model that speaks another
 * protocol than OpenAI's.
 */
export interface ChatModel {
  /**
   * Answers `messages`. The events are any number of `text`, `refusal` and `tool-call`, then one `finish`; a stream that ends
   * without it counts as a failure. Rejects with the model's own error, or with the signal's reason when aborted.
   */
  generate(request: ModelRequest): AsyncIterable<ModelEvent>;
}

export interface ModelRequest {
  /** The system prompt, if any, the window and the turn so far. Not to be changed. */
  messages: readonly Message[];
  /** The tools that the model may call; empty: none. */
  tools: readonly ToolSpec[];
  signal: AbortSignal;
  /** The caller's model options (temperature, say), to be passed through as they are. */
  options: Readonly<Record<string, unknown>>;
}

/** A tool, as a model is told of it. */
export interface ToolSpec {
  name: string;
  description?: string;
  /** JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

export type ModelEvent =
  /** The next piece of the answer. */
  | { type: "text"; text: string }
  /** The next piece of a refusal. */
  | { type: "refusal"; text: string }
  /** A complete call of a tool. */
  | { type: "tool-call"; call: ToolCall }
  /** The answer is complete. */
  | { type: "finish"; usage?: Usage | undefined };
