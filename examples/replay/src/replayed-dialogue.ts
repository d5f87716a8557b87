import { Agent, Conversation, type MemoryBackend, type Message, type UserMessage } from "@deep-agent/core";
import { newId } from "@deep-agent/core/adapter";
import { type Dialogue, type RecordedMessage, turnsOf } from "@deep-agent-examples/offline-model";
import type { Settings } from "./settings.ts";
import { isSpoken } from "./spoken-turn.ts";

/** A dialogue that is replayed in this process, turn by turn. Other processes may replay other turns of it. */
export class ReplayedDialogue {
  readonly #id: string;
  readonly #turns: readonly RecordedMessage[][];
  readonly #agent: Agent;
  readonly #conversation: Conversation;
  /** The results of the current turn's tools, by call. */
  #results: ReadonlyMap<string, string> = new Map();

  constructor(dialogue: Dialogue, backend: MemoryBackend, { prefix, model, apiKey, baseURL }: Settings) {
    const memoryId = prefix + dialogue.id;
    this.#id = dialogue.id;
    this.#turns = turnsOf(dialogue);
    this.#conversation = new Conversation({ memoryId, backend });
    this.#agent = Agent.openAI(model, { apiKey, baseURL })
      .withLongMemory(memoryId)
      .usingBackend(backend)
      .withMaxToolRounds(Math.max(...this.#turns.map((turn) => turn.length)));
    for (const name of toolsIn(dialogue)) {
      this.#agent.withTool({
        name,
        jsonSchema: { type: "object" },
        execute: (_args, { toolCallId }) => this.#results.get(toolCallId),
      });
    }
  }

  /** Says the turn with that number. The request tells the model the number, and the model answers as recorded. */
  async say(turn: number): Promise<void> {
    const messages = this.#turns[turn] ?? [];
    if (!isSpoken(messages)) return this.#conversation.commit(messages.map(asMessage));
    this.#results = new Map(
      messages.flatMap(({ toolCallId, content }) => (toolCallId === undefined ? [] : [[toolCallId, String(content)]])),
    );
    this.#agent.withModelOptions({ metadata: { dialogue: this.#id, turn: String(turn) } });
    await this.#agent.ask(messages[0]?.content as UserMessage["content"]); // a spoken turn begins with the user
  }
}

function toolsIn({ messages }: Dialogue): Set<string> {
  return new Set(messages.flatMap(({ toolCalls = [] }) => toolCalls.map(({ name }) => name)));
}

function asMessage(recorded: RecordedMessage): Message {
  // `parseDialogues` has checked its role and content.
  return { ...recorded, id: newId(), createdAt: Date.now() } as Message;
}
