import { createHash } from "node:crypto";
import { Conversation, type MemoryBackend, type Revision } from "@deep-agent/core";
import type { LogCapability } from "@deep-agent/core/adapter";
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
  /** The backend that fills the store. Default: `backend`. */
  filling?: Backend;
  close(): Promise<unknown>;
}

/** A turn goes through a `Conversation`, as the agent's does. The other methods call the backend. */
function contender({ backend, filling = backend, close }: Store): Contender {
  /** The revision of each conversation after its last appended turn. */
  const known = new Map<string, Revision>();
  return {
    async fill(memoryId, messages) {
      // Each append says what it follows. Otherwise the newest entries would be searched for the turn.
      let since: Revision | null = null;
      for (const turn of turnsOf(messages)) since = await filling.append(memoryId, turn, { since });
    },
    async turn(memoryId, turn) {
      const conversation = new Conversation({ memoryId, backend, maxMessages: WINDOW });
      await conversation.sync();
      await conversation.commit(turn);
    },
    async append(memoryId, turn) {
      // As a conversation does. Otherwise the newest entries would be searched for the turn.
      const since = known.get(memoryId) ?? (await backend.read(memoryId, { last: 1 }))?.revision ?? null;
      known.set(memoryId, await backend.append(memoryId, turn, { since }));
    },
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
  const prefix = "node-redis:";
  const backend = new RedisBackend({ url, prefix });
  const filling = patient(url, prefix);
  return withRecent(backend, contender({ backend, filling, close: () => closeBoth(backend, filling) }));
}

export async function onIoredis({ redis: url }: Place): Promise<Contender> {
  const client = new Redis(url);
  const prefix = "ioredis:";
  const backend = RedisBackend.fromClient(client, { prefix });
  const filling = patient(url, prefix);
  const close = async (): Promise<void> => {
    await closeBoth(backend, filling);
    await client.quit();
  };
  return withRecent(backend, contender({ backend, filling, close }));
}

export async function encrypted({ redis: url }: Place): Promise<Contender> {
  const prefix = "encrypted:";
  const [store, patientStore] = [new RedisBackend({ url, prefix }), patient(url, prefix)];
  const key = createHash("sha256").update("what nobody needs to hide").digest("base64");
  const options = { keys: { only: key }, current: "only" };
  const [backend, filling] = [withEncryption(store, options), withEncryption(patientStore, options)];
  return contender({ backend, filling, close: () => closeBoth(store, patientStore) });
}

/** For filling, which may take longer than the default timeout of a call. */
function patient(url: string, prefix: string): RedisBackend {
  return new RedisBackend({ url, prefix, timeoutMs: 120_000 });
}

async function closeBoth(...backends: RedisBackend[]): Promise<void> {
  for (const backend of backends) await backend.close();
}

function withRecent(backend: RedisBackend, contender: Contender): Contender {
  return {
    ...contender,
    ping: () => backend.ping(),
    recent: async () => (await backend.recent?.({ limit: WINDOW }))?.memories ?? [],
  };
}
