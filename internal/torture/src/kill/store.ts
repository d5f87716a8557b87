import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startRedis } from "@deep-agent/test-redis";

/** A store whose writers are killed. Dispose of it. */
export interface Store extends AsyncDisposable {
  /** Where its writers find it. */
  readonly address: string;
  /** Where the log of the memory lies that is written to; absent: in no file of its own. */
  logOf?(memoryId: string): string;
  /** Kills its server, and starts it again; absent: it has none. */
  killServer?(): Promise<void>;
}

export type Durability = "sync" | "os";

export async function openFileStore(durability: Durability): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "deep-agent-torture-"));
  return {
    address: `${pathToFileURL(directory).href}?durability=${durability}`,
    // Of its first generation: nothing is deleted here.
    logOf: (memoryId) => join(directory, `${memoryId}.1.jsonl`),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A server that acknowledges what is on its disk. */
export async function openRedisStore(): Promise<Store> {
  const server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  return {
    address: `${server.url}?ttl=0`,
    async killServer() {
      await server.kill();
      await server.start();
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
