import { assistant, type Message, tool, user } from "@deep-agent/core";
import { newId } from "@deep-agent/core/adapter";
import type { OutsiderStep } from "./program.ts";
import type { Stage } from "./stage.ts";
import { memoryId } from "./stores.ts";

/**
 * Another program with the same memory, and the operator of the store. Its actions are immediate and without faults.
 */
export class Outsider {
  readonly #stage: Stage;
  #notes = 0;
  #remembered: readonly Message[] | undefined;
  /** How often the store lost acknowledged writes. */
  rollBacks = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async perform(step: OutsiderStep): Promise<void> {
    const { store, ledger, random } = this.#stage;
    const { backend } = store;
    const write = (change: () => Promise<unknown>): Promise<unknown> =>
      this.#stage.mutate({ kind: "outside" }, async () => {
        this.#stage.faults += 1;
        await change();
      });
    const save = (records: readonly Message[]): Promise<unknown> => write(() => backend.save(memoryId, records));
    switch (step) {
      case "append": {
        const note = this.#note();
        const { append } = backend;
        await (append === undefined
          ? save([...ledger.content, ...note])
          : write(() => append.call(backend, memoryId, note)));
        return;
      }
      case "save some":
        await save([
          ...turnsOf(ledger.content)
            .filter(() => random.chance(0.6))
            .flat(),
          ...this.#note(),
        ]);
        return;
      case "save another log":
        await save(this.#note());
        return;
      case "remember":
        this.#remembered = ledger.content;
        return;
      case "save what it remembers":
        if (this.#remembered !== undefined) await save([...this.#remembered, ...this.#note()]);
        return;
      case "delete":
        await write(() => backend.delete(memoryId));
        return;
      case "expire":
        await write(() => (store.expire ?? (() => backend.delete(memoryId)))());
        return;
      case "roll back":
        await write(async () => {
          if (await store.rollBack?.(random)) this.rollBacks += 1;
        });
    }
  }

  /** A turn of another program, which sometimes lacks one of its messages. */
  #note(): Message[] {
    this.#notes += 1;
    const asked = user(`Note ${this.#notes}.`, { id: newId() });
    if (this.#stage.random.chance(0.8)) return [asked, assistant(`Noted ${this.#notes}.`, { id: newId() })];
    if (this.#stage.random.chance(0.5)) return [asked, tool("stray", "stray", { id: newId() })];
    const toolCalls = [{ id: "stray", name: "look", arguments: "{}" }];
    return [asked, assistant(null, { id: newId(), toolCalls })];
  }
}

/** Whether the message belongs to an incomplete turn, and so must not be sent to a model. */
export function isStray(message: Message): boolean {
  if (message.role === "tool") return message.toolCallId === "stray";
  return message.role === "assistant" && message.toolCalls?.[0]?.id === "stray";
}

function turnsOf(content: readonly Message[]): Message[][] {
  const turns: Message[][] = [];
  for (const message of content) {
    if (message.role === "user" || turns.length === 0) turns.push([message]);
    else turns.at(-1)?.push(message);
  }
  return turns;
}
