import {
  type AssistantMessage,
  assistant,
  isToolCall,
  type ProviderMetadata,
  type ToolCall,
  type Usage,
} from "../contract/message.ts";
import { saysNothing } from "../contract/text-of.ts";
import type { ModelEvent } from "../model/chat-model.ts";

type Finish = Extract<ModelEvent, { type: "finish" }>;

/** Builds an assistant message from the events of a model. */
export class AnswerDraft {
  #text = "";
  #reasoning = "";
  #refusal = "";
  readonly #calls: ToolCall[] = [];
  #finish: Finish | undefined;

  get isEmpty(): boolean {
    return this.#text === "" && this.#refusal === "";
  }

  get finished(): boolean {
    return this.#finish !== undefined;
  }

  get calls(): readonly ToolCall[] {
    return this.#calls;
  }

  get usage(): Usage | undefined {
    return checkedUsage(this.#finish?.usage);
  }

  /** `null`: the model did not say why it stopped. */
  get finishReason(): string | null {
    const reason: unknown = this.#finish?.finishReason;
    return typeof reason === "string" && reason !== "" ? reason : null;
  }

  /** Throws for an invalid event: the model may be third-party code. */
  add(event: ModelEvent): void {
    switch (event?.type) {
      case "text":
        this.#text += checkedText(event);
        return;
      case "reasoning":
        this.#reasoning += checkedText(event);
        return;
      case "refusal":
        this.#refusal += checkedText(event);
        return;
      case "tool-call":
        if (!isToolCall(event.call)) throw new Error("The model called a tool without id, name or arguments.");
        this.#calls.push(event.call);
        return;
      case "finish":
        this.#finish = event;
        return;
      default:
        throw new Error("The model produced an event of unknown type.");
    }
  }

  /** The whole answer. The calls of an answer that was cut are left out, because they are not run. */
  message(): AssistantMessage {
    if (this.#finish?.incomplete === true) {
      const reason = this.finishReason;
      return this.#message(false, { status: "incomplete", ...(reason !== null && { finishReason: reason }) });
    }
    const message = this.#message(true, {});
    return saysNothing(message) ? { ...message, status: "empty" } : message;
  }

  /** What the model has said so far. Its calls are left out: they may not be whole. */
  partial(): AssistantMessage {
    return this.#message(false, {});
  }

  #message(withCalls: boolean, status: Pick<AssistantMessage, "status" | "finishReason">): AssistantMessage {
    const calls = withCalls && this.#calls.length > 0;
    const silent = this.#text === "" && (calls || this.#refusal !== "");
    const metadata = checkedMetadata(this.#finish?.providerMetadata);
    const { usage } = this;
    return assistant(silent ? null : this.#text, {
      ...(this.#reasoning !== "" && { reasoning: this.#reasoning }),
      ...(calls && { toolCalls: this.#calls }),
      ...(this.#refusal !== "" && { refusal: this.#refusal }),
      ...status,
      ...(usage !== undefined && { usage }),
      ...(metadata !== undefined && { providerMetadata: metadata }),
    });
  }
}

function checkedText({ type, text }: { type: string; text: unknown }): string {
  if (typeof text === "string") return text;
  throw new Error(`The model produced a ${type} event without a string.`);
}

/** Usage is only information: an invalid one is dropped, and the reply still counts. */
function checkedUsage(usage: Usage | undefined): Usage | undefined {
  const { promptTokens, completionTokens, totalTokens } = usage ?? {};
  return [promptTokens, completionTokens, totalTokens].every(Number.isFinite) ? usage : undefined;
}

function checkedMetadata(metadata: ProviderMetadata | undefined): ProviderMetadata | undefined {
  if (metadata === undefined) return undefined;
  const { source, fields } = metadata ?? {};
  if (typeof source === "string" && typeof fields === "object" && fields !== null) return metadata;
  throw new Error("The model produced provider metadata without `source` or `fields`.");
}
