import { createHash } from "node:crypto";
import { Conversation, type LogCapability, type MemoryBackend } from "@deep-agent/core";
import { FileBackend } from "@deep-agent/file";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { withEncryption } from "@deep-agent/middleware";
import { RedisBackend } from "@deep-agent/redis";
import { Redis } from "ioredis";
import { type Contender, type Place, WINDOW } from "./contender.ts";
import { turnsOf } from "./messages.ts";

type Backend = MemoryBackend & LogCapability;

interface Store {
  backend: Backend;
  /** What fills it. Default: the backend. */
  filling?: Backend;
  close(): Promise<unknown>;
}

/** How many turns are on their way at once while a conversation is filled. */
const FILLED_AT_ONCE = 256;

/** A turn is a `Conversation`'s, as the agent makes it; the rest goes to the backend. */
function contender({ backend, filling = backend, close }: Store): Contender {
  return {
    async fill(memoryId, messages) {
      const turns = turnsOf(messages);
      for (let first = 0; first < turns.length; first += FILLED_AT_ONCE) {
        const some = turns.slice(first, first + FILLED_AT_ONCE);
        await Promise.all(some.map((turn) => filling.append(memoryId, turn)));
      }
    },
    async turn(memoryId, turn) {
      const conversation = new Conversation({ memoryId, backend, maxMessages: WINDOW });
      await conversation.sync();
      await conversation.commit(turn);
    },
    append: (memoryId, turn) => backend.append(memoryId, turn),
    window: async (memoryId) => (await backend.read(memoryId, { last: WINDOW }))?.records ?? [],
    load: async (memoryId) => (await backend.load(memoryId)) ?? [],
    list: () => backend.list(),
    drop: (memoryId) => backend.delete(memoryId),
    close,
  };
}

export async function inMemory(_: Place): Promise<Contender> {
  const backend = new InMemoryBackend();
  return contender({ backend, close: () => backend.close() });
}

export async function onFiles({ directory }: Place): Promise<Contender> {
  const backend = new FileBackend(directory);
  const filling = new FileBackend({ directory, durability: "os" });
  return contender({ backend, filling, close: () => Promise.all([backend.close(), filling.close()]) });
}

export async function onFilesUnflushed({ directory }: Place): Promise<Contender> {
  const backend = new FileBackend({ directory, durability: "os" });
  return contender({ backend, close: () => backend.close() });
}

export async function onRedis({ redis: url }: Place): Promise<Contender> {
  const backend = new RedisBackend({ url, prefix: "node-redis:" });
  return withRecent(backend, contender({ backend, close: () => backend.close() }));
}

export async function onIoredis({ redis: url }: Place): Promise<Contender> {
  const client = new Redis(url);
  const backend = RedisBackend.fromClient(client, { prefix: "ioredis:" });
  const close = async (): Promise<void> => {
    await backend.close();
    await client.quit();
  };
  return withRecent(backend, contender({ backend, close }));
}

export async function encrypted({ redis: url }: Place): Promise<Contender> {
  const store = new RedisBackend({ url, prefix: "encrypted:" });
  const key = createHash("sha256").update("what nobody needs to hide").digest("base64");
  const backend = withEncryption(store, { keys: { only: key }, current: "only" });
  return contender({ backend, close: () => store.close() });
}

function withRecent(backend: RedisBackend, contender: Contender): Contender {
  return {
    ...contender,
    ping: () => backend.ping(),
    recent: async () => (await backend.recent?.({ limit: WINDOW }))?.memories ?? [],
  };
}
