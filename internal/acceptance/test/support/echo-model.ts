import type { ChatModel, Message, ModelEvent, ModelRequest } from "@deep-agent/core";

/** Answers with the latest user message, in two pieces, and remembers its requests. */
export class EchoModel implements ChatModel {
  readonly requests: Message[][] = [];

  async *generate({ messages, tools }: ModelRequest): AsyncGenerator<ModelEvent> {
    this.requests.push(structuredClone([...messages]));
    const last = messages.at(-1);
    if (tools.length > 0 && last?.role === "user") {
      yield { type: "tool-call", call: { id: "call-1", name: tools[0]?.name ?? "", arguments: "{}" } };
    } else {
      yield { type: "text", text: "You said: " };
      yield { type: "text", text: String(last?.content) };
    }
    yield { type: "finish" };
  }

  /** The contents of the messages of a request, by its number from 0. */
  sent(index: number): unknown[] {
    return this.requests[index]?.map(({ content }) => content) ?? [];
  }
}

export function contents(messages: readonly Message[] | null): unknown[] | null {
  return messages?.map(({ content }) => content) ?? null;
}
