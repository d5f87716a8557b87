import { delta } from "../chat-server.ts";
import { type ChatBody, inPieces, Refusal } from "../insisting-server.ts";
import { inToolTurn, keyOf } from "../request-checks.ts";

/** What a server with the field `reasoning_content` thought, so that it can insist on getting it back. */
export class ReasoningContent {
  readonly #thoughts = new Map<string, string>();

  /**
   * The chunks of a thought before the answer with this key: the id of its first call, or else its words. An empty
   * thought is sent too, and must come back.
   */
  chunks(key: string, thought: string): object[] {
    this.#thoughts.set(key, thought);
    const pieces = thought === "" ? [""] : inPieces(thought);
    return pieces.map((piece) => delta({ content: null, reasoning_content: piece }));
  }

  /** Refuses an answer of this server in a turn with tools that came back without its thought, or with another one. */
  checkOwn({ messages }: ChatBody): void {
    for (const [index, message] of messages.entries()) {
      if (message.role !== "assistant") continue;
      const thought = this.#thoughts.get(keyOf(message));
      const given = message["reasoning_content"];
      const path = `messages[${index}].reasoning_content`;
      if (given !== undefined && given !== (thought ?? "")) throw new Refusal(path, "not what this server thought");
      if (thought !== undefined && given === undefined && inToolTurn(messages, index)) {
        throw new Refusal(path, "the reasoning_content of a turn with tools must be passed back");
      }
    }
  }

  /** Refuses a call, of this server or of another one, beside which there is no thought. */
  checkEveryCall({ messages }: ChatBody): void {
    for (const [index, message] of messages.entries()) {
      if (message.tool_calls === undefined || typeof message["reasoning_content"] === "string") continue;
      const problem = `reasoning_content is missing in the assistant tool call message at index ${index}`;
      throw new Refusal(`messages[${index}].reasoning_content`, problem);
    }
  }
}
