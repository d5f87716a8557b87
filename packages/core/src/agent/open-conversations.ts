import { Conversation, type ConversationOptions } from "../conversation/conversation.ts";
import type { WindowLimits } from "../conversation/window.ts";

/** The conversations that an agent has open: one per memory id that is in use or has pending turns. */
export class OpenConversations {
  readonly #open = new Map<string, { conversation: Conversation; users: number }>();

  get(memoryId: string): Conversation | undefined {
    return this.#open.get(memoryId)?.conversation;
  }

  get all(): Conversation[] {
    return [...this.#open.values()].map(({ conversation }) => conversation);
  }

  /** Returns the conversation of that id, in use until {@link release}. */
  use(options: ConversationOptions): Conversation {
    const entry = this.#open.get(options.memoryId) ?? { conversation: new Conversation(options), users: 0 };
    this.#open.set(options.memoryId, entry);
    entry.users += 1;
    return entry.conversation;
  }

  release(conversation: Conversation): void {
    const entry = this.#open.get(conversation.memoryId);
    if (entry !== undefined) entry.users -= 1;
  }

  /** Drops the conversations of all memories except `current` that are not in use and have no pending turns. */
  prune(current: string | undefined): void {
    for (const [memoryId, { conversation, users }] of this.#open) {
      if (memoryId !== current && users === 0 && conversation.pending === 0) this.#open.delete(memoryId);
    }
  }

  setLimits(limits: WindowLimits): void {
    for (const conversation of this.all) conversation.setLimits(limits);
  }
}
