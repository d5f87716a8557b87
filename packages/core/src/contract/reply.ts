import type { AssistantMessage, Usage } from "./message.ts";

/** What one turn brought. */
export interface Reply {
  /** What the model said at last; where it refused, the refusal. */
  text: string;
  /** The message that ended the turn. */
  message: AssistantMessage;
  /** The tokens of all model calls of the turn; `null` where the model did not tell. */
  usage: Usage | null;
}
