import type { Message, ProviderMetadata, ToolCall, Usage } from "../contract/message.ts";

/**
 * A language model, as the agent sees it: messages in, a stream of events out. Implement it to use a model whose
 * protocol is not OpenAI's.
 */
export interface ChatModel {
  /**
   * Answers `messages`. The events are any number of `text`, `reasoning`, `refusal` and `tool-call`, then one `finish`.
   * A stream that ends without `finish` counts as a failure. Rejects with the model's own error, or with the signal's
   * reason after an abort.
   */
  generate(request: ModelRequest): AsyncIterable<ModelEvent>;
}

/** One request to a model. */
export interface ModelRequest {
  /** The system prompt, if any, then the window and the turn so far. The model must not change them. */
  messages: readonly Message[];
  /** The tools that the model may call; empty: none. */
  tools: readonly ToolSpec[];
  /** Aborted if the turn is aborted. */
  signal: AbortSignal;
  /** The caller's model options, such as a temperature. Passed to the model unchanged. */
  options: Readonly<Record<string, unknown>>;
}

/** The description of a tool for a model. */
export interface ToolSpec {
  /** The name that the model calls the tool by. */
  name: string;
  /** What the tool does and when to call it. Absent: the name must be enough. */
  description?: string;
  /** The JSON Schema of the arguments. */
  parameters: Record<string, unknown>;
}

/** One event of a model's answer. */
export type ModelEvent =
  /** The next piece of the answer's text. */
  | {
      /** The kind of event. */
      type: "text";
      /** The text to append to the answer. */
      text: string;
    }
  /** The next piece of what the model thinks before it answers. */
  | {
      /** The kind of event. */
      type: "reasoning";
      /** The text to append to the reasoning. */
      text: string;
    }
  /** The next piece of a refusal. */
  | {
      /** The kind of event. */
      type: "refusal";
      /** The text to append to the refusal. */
      text: string;
    }
  /** A complete call of a tool. */
  | {
      /** The kind of event. */
      type: "tool-call";
      /** The call, with complete arguments. */
      call: ToolCall;
    }
  /** The answer has ended. */
  | {
      /** The kind of event. */
      type: "finish";
      /** Why the model stopped, in the provider's word, such as `"stop"` or `"length"`. Absent: it did not say. */
      finishReason?: string | undefined;
      /**
       * The answer is not whole: the provider cut it. Its calls are not run, and its message is stored with the status
       * `"incomplete"`. Default `false`.
       */
      incomplete?: boolean | undefined;
      /** What the provider added to the message, to be sent back to it. Absent: nothing. */
      providerMetadata?: ProviderMetadata | undefined;
      /** The tokens of this model call. Absent: the model does not report them. */
      usage?: Usage | undefined;
    };
