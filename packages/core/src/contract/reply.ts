import type { AssistantMessage, Usage } from "./message.ts";

/** The result of one turn. */
export interface Reply {
  /** The text of the final message; if the model refused, the refusal. */
  text: string;
  /** The message that ended the turn. */
  message: AssistantMessage;
  /** The tokens of all model calls of the turn. `null`: the model did not report any. */
  usage: Usage | null;
}
