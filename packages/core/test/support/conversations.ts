import type { AppendOptions } from "../../src/adapter.ts";
import { assistant, Conversation, type ConversationOptions, MemoryError, type Message, user } from "../../src/index.ts";
import { ReferenceLog } from "./reference-log.ts";

export const ID = "user-alice";

export function turn(text: string): Message[] {
  return [user(text), assistant(`re: ${text}`)];
}

export function texts(messages: readonly Message[] | null): unknown[] | undefined {
  return messages?.map((message) => message.content);
}

export function open(
  store: ReferenceLog = new ReferenceLog(),
  options: Partial<ConversationOptions> = {},
): { store: ReferenceLog; conversation: Conversation } {
  return { store, conversation: new Conversation({ memoryId: ID, backend: store, ...options }) };
}

/** Makes the calls of `method` fail, `before` or `after` they take effect, until `stop` is called. */
export function fail(
  store: ReferenceLog,
  method: string,
  when: "before" | "after",
  code: "UNAVAILABLE" | "RECORD_TOO_LARGE" | "DURABILITY" = "UNAVAILABLE",
): () => void {
  store.around = async (called, call) => {
    const result = called === method && when === "before" ? undefined : await call();
    if (called !== method) return result as never;
    throw new MemoryError(code, "The store is away.", {
      outcome: when === "before" ? "not-applied" : "unknown",
      retryable: true,
    });
  };
  return () => {
    store.around = (_method, call) => call();
  };
}

export function appends(store: ReferenceLog): AppendOptions[] {
  return store.calls.filter(({ method }) => method === "append").map(({ options }) => options as AppendOptions);
}
