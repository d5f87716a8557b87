import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Message } from "@deep-agent/core";
import { FileSystemChatMessageHistory } from "@langchain/community/stores/message/file_system";
import type { BaseListChatMessageHistory } from "@langchain/core/chat_history";
import { AIMessage, type BaseMessage, HumanMessage, mapChatMessagesToStoredMessages } from "@langchain/core/messages";
import { RedisChatMessageHistory } from "@langchain/redis";
import { createClient } from "@redis/client";
import { type Contender, type Place, WINDOW } from "./contender.ts";
import { textOf } from "./messages.ts";

const SECONDS_OF_A_WEEK = 604_800;
const PUSHED_AT_ONCE = 1_000;

function converted(message: Message): BaseMessage {
  const text = textOf(message);
  return message.role === "user" ? new HumanMessage(text) : new AIMessage(text);
}

type Rest = Pick<Contender, "fill" | "drop" | "close">;

/** Its histories have no window: to get the newest messages, all are loaded. */
function histories(historyOf: (session: string) => BaseListChatMessageHistory, rest: Rest): Contender {
  return {
    ...rest,
    async turn(session, turn) {
      const history = historyOf(session);
      (await history.getMessages()).slice(-WINDOW);
      await history.addMessages(turn.map(converted));
    },
    append: (session, turn) => historyOf(session).addMessages(turn.map(converted)),
    window: async (session) => (await historyOf(session).getMessages()).slice(-WINDOW),
    load: (session) => historyOf(session).getMessages(),
  };
}

export async function redisHistory({ redis: url }: Place): Promise<Contender> {
  // Filling has its own connection. The histories share the connection that the library pools.
  const client = createClient({ url });
  await client.connect();
  const keyOf = (session: string): string => `langchain:${session}`;
  const historyOf = (session: string): RedisChatMessageHistory =>
    new RedisChatMessageHistory({ sessionId: keyOf(session), sessionTTL: SECONDS_OF_A_WEEK, config: { url } });
  return histories(historyOf, {
    async fill(session, messages) {
      for (let first = 0; first < messages.length; first += PUSHED_AT_ONCE) {
        const some = mapChatMessagesToStoredMessages(messages.slice(first, first + PUSHED_AT_ONCE).map(converted));
        await client.lPush(
          keyOf(session),
          some.map((stored) => JSON.stringify(stored)),
        );
      }
      await client.expire(keyOf(session), SECONDS_OF_A_WEEK);
    },
    drop: (session) => client.unlink(keyOf(session)),
    async close() {
      await historyOf("").client.quit();
      await client.close();
    },
  });
}

/** One file for all sessions. The process reads it once, and rewrites it for each message. */
export async function fileHistory({ directory }: Place): Promise<Contender> {
  const filePath = join(directory, "history.json");
  const historyOf = (sessionId: string): FileSystemChatMessageHistory =>
    new FileSystemChatMessageHistory({ sessionId, filePath });
  let isRead = false;
  return histories(historyOf, {
    async fill(session, messages) {
      if (isRead) {
        for (const message of messages) await historyOf(session).addMessage(converted(message));
        return;
      }
      isRead = true;
      const stored = { messages: mapChatMessagesToStoredMessages(messages.map(converted)) };
      await writeFile(filePath, JSON.stringify({ "": { [session]: stored } }));
    },
    drop: (session) => historyOf(session).clear(),
    close: async () => undefined,
  });
}
