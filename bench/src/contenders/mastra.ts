import { randomUUID } from "node:crypto";
import type { Message } from "@deep-agent/core";
import type { MastraDBMessage } from "@mastra/core/agent";
import { RedisStore } from "@mastra/redis";
import { type Contender, type Place, WINDOW } from "./contender.ts";
import { textOf } from "./messages.ts";

const RESOURCE = "bench";
const SAVED_AT_ONCE = 1_000;

/** A key for each message, another key that says which thread it belongs to, and a sorted set for each thread. */
export async function mastra({ redis: connectionString }: Place): Promise<Contender> {
  const store = new RedisStore({ id: "bench", connectionString });
  await store.init();
  const memory = await store.getStore("memory");
  if (memory === undefined) throw new Error("@mastra/redis has no memory store.");
  const threads = new Set<string>();
  /** It orders messages by time, so no two may have the same. */
  let now = Date.now() - 1_000_000;
  const converted = (threadId: string, message: Message): MastraDBMessage => ({
    id: randomUUID(),
    role: message.role === "user" ? "user" : "assistant",
    createdAt: new Date(now++),
    threadId,
    resourceId: RESOURCE,
    content: { format: 2, parts: [{ type: "text", text: textOf(message) }] },
  });
  const open = async (threadId: string): Promise<void> => {
    if (threads.has(threadId)) return;
    const thread = { id: threadId, resourceId: RESOURCE, createdAt: new Date(), updatedAt: new Date() };
    await memory.saveThread({ thread });
    threads.add(threadId);
  };
  const append = async (threadId: string, messages: readonly Message[]): Promise<void> => {
    await open(threadId);
    await memory.saveMessages({ messages: messages.map((message) => converted(threadId, message)) });
  };
  const window = async (threadId: string): Promise<MastraDBMessage[]> => {
    const orderBy = { field: "createdAt", direction: "DESC" } as const;
    const { messages } = await memory.listMessages({ threadId, perPage: WINDOW, page: 0, orderBy });
    return messages.reverse();
  };
  return {
    async fill(threadId, messages) {
      await open(threadId);
      for (let first = 0; first < messages.length; first += SAVED_AT_ONCE) {
        await append(threadId, messages.slice(first, first + SAVED_AT_ONCE));
      }
    },
    async turn(threadId, turn) {
      await window(threadId);
      await append(threadId, turn);
    },
    append,
    window,
    load: async (threadId) => (await memory.listMessages({ threadId, perPage: false })).messages,
    list: async () => (await memory.listThreads({ perPage: false })).threads,
    recent: async () => {
      const orderBy = { field: "updatedAt", direction: "DESC" } as const;
      return (await memory.listThreads({ perPage: WINDOW, page: 0, orderBy })).threads;
    },
    async drop(threadId) {
      await memory.deleteThread({ threadId });
      threads.delete(threadId);
    },
    close: () => store.close(),
  };
}
