import { type AssistantMessage, assistant, isToolCall, type ToolCall, type Usage } from "../contract/message.ts";
import type { ModelEvent } from "../model/chat-model.ts";

/** Builds an assistant message from the events of a model. */
export class AnswerDraft {
  #text = "";
  #refusal = "";
  readonly #calls: ToolCall[] = [];
  usage: Usage | undefined;
  finished = false;

  get isEmpty(): boolean {
    return this.#text === "" && this.#refusal === "";
  }

  /** Throws for an invalid event: the model may be third-party code. */
  add(event: ModelEvent): void {
    switch (event?.type) {
      case "text":
        this.#text += checkedText(event.text);
        return;
      case "refusal":
        this.#refusal += checkedText(event.text);
        return;
      case "tool-call":
        if (!isToolCall(event.call)) throw new Error("The model called a tool without id, name or arguments.");
        this.#calls.push(event.call);
        return;
      case "finish":
        this.usage = checkedUsage(event.usage);
        this.finished = true;
        return;
      default:
        throw new Error("The model produced an event of unknown type.");
    }
  }

  message({ withCalls }: { withCalls: boolean }): AssistantMessage {
    const calls = withCalls && this.#calls.length > 0;
    const silent = this.#text === "" && (calls || this.#refusal !== "");
    return assistant(silent ? null : this.#text, {
      ...(calls && { toolCalls: this.#calls }),
      ...(this.#refusal !== "" && { refusal: this.#refusal }),
      ...(this.usage !== undefined && { usage: this.usage }),
    });
  }
}

function checkedText(text: unknown): string {
  if (typeof text === "string") return text;
  throw new Error("The model produced a text event without a string.");
}

/** Usage is only information: an invalid one is dropped, and the reply still counts. */
function checkedUsage(usage: Usage | undefined): Usage | undefined {
  const { promptTokens, completionTokens, totalTokens } = usage ?? {};
  return [promptTokens, completionTokens, totalTokens].every(Number.isFinite) ? usage : undefined;
}
