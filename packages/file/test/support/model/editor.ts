import { MemoryError, type Message, user } from "@deep-agent/core";
import { newId } from "@deep-agent/core/adapter";
import type { Checker } from "./checker.ts";
import type { Client } from "./client.ts";
import type { Random } from "./random.ts";

export interface EditorOptions {
  name: string;
  memoryId: string;
  client: Client;
  checker: Checker;
  random: Random;
}

/** A program without a conversation: it loads the memory, and saves a changed one. */
export class Editor {
  readonly #options: EditorOptions;
  #notes = 0;

  constructor(options: EditorOptions) {
    this.#options = options;
  }

  async rewrite(): Promise<void> {
    const { client, memoryId, random, checker, name } = this.#options;
    try {
      const careful = random.chance(0.4);
      const snapshot = careful ? await client.read(memoryId) : undefined;
      const loaded = careful ? (snapshot?.records ?? null) : await client.load(memoryId);
      const options = {
        ...(random.chance(0.5) && { operationId: newId() }),
        ...(careful && { expectedRevision: snapshot?.revision ?? null }),
      };
      const expected = careful ? { ids: loaded?.map(({ id }) => id) ?? null } : undefined;
      const edited = this.#edit(loaded ?? []);
      for (let tries = 1; ; tries++) {
        try {
          return await client.save(memoryId, edited, options, expected);
        } catch (error) {
          if (tries === 3 || options.operationId === undefined || MemoryError.is(error, "CONFLICT")) throw error;
        }
      }
    } catch (error) {
      checker.explain(`${name}'s save`, error);
    }
  }

  async delete(): Promise<void> {
    const { client, memoryId, checker, name } = this.#options;
    try {
      await client.delete(memoryId);
    } catch (error) {
      checker.explain(`${name}'s delete`, error);
    }
  }

  /** Reads the memory page by page, from its end. */
  async browse(): Promise<void> {
    const { client, memoryId, checker, name } = this.#options;
    let start = checker.time;
    let messages: Message[] = [];
    try {
      let page = await client.read(memoryId, { last: 2 });
      while (page !== null) {
        messages = [...page.records, ...messages];
        if (page.start === null) return checker.loaded(start, messages);
        const asked = checker.time;
        page = await client.read(memoryId, { last: 2, before: page.start });
        if (page?.reset !== true) continue;
        start = asked;
        messages = [];
      }
    } catch (error) {
      checker.explain(`${name}'s reading`, error);
    }
  }

  /** Lists the memories, which also removes files that are not needed any more. */
  async list(): Promise<void> {
    const { client, checker, name } = this.#options;
    try {
      await client.list();
    } catch (error) {
      checker.explain(`${name}'s list`, error);
    }
  }

  async compact(): Promise<void> {
    const { client, memoryId, checker, name } = this.#options;
    try {
      await client.compact(memoryId);
    } catch (error) {
      checker.explain(`${name}'s compaction`, error);
    }
  }

  #edit(messages: readonly Message[]): Message[] {
    const { random, name } = this.#options;
    const kept = random.pick<(index: number) => boolean>([
      () => true,
      () => true,
      () => random.chance(0.7),
      (index) => index >= messages.length / 2,
      (index) => index < messages.length - 2,
      () => false,
    ]);
    const rest = messages.filter((_message, index) => kept(index));
    if (random.chance(0.5)) return rest;
    this.#notes += 1;
    return [...rest, user("a note", { id: `${name}.${this.#notes}`, createdAt: 0 })];
  }
}
