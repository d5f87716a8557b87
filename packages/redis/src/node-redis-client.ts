import { NoReply, type RedisCommand, type RedisCommands, type RedisReply, type SendOptions } from "./redis-commands.ts";
import { invalidConfig } from "./redis-error.ts";
import { repliesOf } from "./replies.ts";

/** What is asked of a client of node-redis (`createClient` of `redis` or `@redis/client`). */
export interface NodeRedisClient {
  sendCommand(args: string[]): Promise<unknown>;
  readonly isOpen: boolean;
  withTypeMapping?(mapping: object): NodeRedisClient;
}

/** And of a pool of them (`createClientPool`). */
export interface NodeRedisPool {
  execute<R>(task: (client: NodeRedisClient) => R): Promise<Awaited<R>>;
  readonly isOpen: boolean;
  readonly totalClients: number;
}

/** The command port over a client that somebody else made, and closes. */
export class ForeignClient implements RedisCommands {
  readonly #client: NodeRedisClient | NodeRedisPool;

  /** Throws `INVALID_CONFIG` for what is no such client. */
  constructor(client: unknown) {
    this.#client = recognised(client);
  }

  async send(commands: readonly RedisCommand[], { timeoutMs, signal }: SendOptions): Promise<readonly RedisReply[]> {
    const client = this.#client;
    if (!client.isOpen)
      throw new NoReply(false, new Error("the client that was given is not connected: call its connect() first"));
    const { promise: overdue, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => reject(new NoReply(true, new Error(`nothing within ${Math.round(timeoutMs)} ms`))),
      timeoutMs,
    );
    try {
      return await Promise.race([
        overdue,
        isPool(client) ? executed(client, commands, signal) : together(client, commands),
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    // It is not ours.
  }
}

async function executed(
  pool: NodeRedisPool,
  commands: readonly RedisCommand[],
  signal: AbortSignal | undefined,
): Promise<readonly RedisReply[]> {
  let sent = false;
  try {
    return await pool.execute((client) => {
      signal?.throwIfAborted(); // it may have waited long for a connection
      sent = true;
      return together(client, commands);
    });
  } catch (error) {
    if (signal?.aborted && error === signal.reason) throw error;
    throw error instanceof NoReply ? error : new NoReply(sent, error as Error); // as node-redis rejects
  }
}

/** Commands that are given to a client in one go leave it together. */
function together(client: NodeRedisClient, commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
  // Whatever its owner wants replies to be turned into, we read text.
  const plain = client.withTypeMapping?.({}) ?? client;
  return repliesOf(commands.map((command) => plain.sendCommand([...command])));
}

function isPool(client: NodeRedisClient | NodeRedisPool): client is NodeRedisPool {
  return "execute" in client && "totalClients" in client;
}

/** By structure: the names of classes say nothing where code is bundled or installed twice. */
function recognised(client: unknown): NodeRedisClient | NodeRedisPool {
  const has = (name: string): boolean => typeof client === "object" && client !== null && name in client;
  if (has("call") || has("nodeClient") || has("getMasterNode")) {
    throw invalidConfig(
      "Clients of ioredis, clusters and sentinels are not yet taken.",
      "Give a client or pool of node-redis (createClient, createClientPool), or implement RedisCommands and use RedisBackend.fromCommands.",
    );
  }
  // As far as it matters here, it is one of the two.
  if (has("sendCommand") && has("isOpen")) return client as NodeRedisClient | NodeRedisPool;
  throw invalidConfig(
    "What was given is no client of node-redis.",
    "Give what its createClient or createClientPool returned.",
  );
}
