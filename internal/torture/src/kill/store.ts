import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startRedis } from "@deep-agent/test-redis";

/** A store whose writers are killed. Dispose of it. */
export interface Store extends AsyncDisposable {
  /** The address that its writers open. */
  readonly address: string;
  /** The file with the memory's log. Absent: the log is not a file of its own. */
  logOf?(memoryId: string): string;
  /** Kills the store's server, and starts it again. Absent: the store does not have a server. */
  killServer?(): Promise<void>;
}

export type Durability = "sync" | "os";

export async function openFileStore(durability: Durability): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), "deep-agent-torture-"));
  return {
    address: `${pathToFileURL(directory).href}?durability=${durability}`,
    // Always the first generation: nothing is deleted here.
    logOf: (memoryId) => join(directory, `${memoryId}.1.jsonl`),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A server that acknowledges a write only after it is on disk. */
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
