import type { AssistantMessage, ToolCall, Usage } from "./message.ts";

/** The result of one turn. */
export interface Reply {
  /** The text of the final message; if the model refused, the refusal. Empty: the model said nothing. */
  text: string;
  /** What the model thought before the final message. Empty: the provider did not show it. */
  reasoning: string;
  /** The calls of tools that the model asked for in this turn, in order. Those of a cut answer were not run. */
  toolCalls: ToolCall[];
  /**
   * Why the model stopped, in the provider's word: `"stop"` after a whole answer; `"length"`, `"content_filter"` and
   * others after a cut one, whose message has the status `"incomplete"`. `null`: the turn was aborted, or the model did
   * not say why.
   */
  finishReason: string | null;
  /** The tokens of all model calls of the turn. `null`: the model did not report any. */
  usage: Usage | null;
  /** The message that ended the turn, as it is stored. */
  message: AssistantMessage;
}
