import { NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { errorReplyOf, repliesOf, textOf } from "../replies.ts";

/** What the backend uses of a node-redis client (`createClient` of `redis` or `@redis/client`). */
export interface NodeRedisClient {
  sendCommand(args: string[]): Promise<unknown>;
  multi(): NodeRedisPipeline<[args: string[]]>;
  readonly isOpen: boolean;
  readonly isReady?: boolean;
  withTypeMapping?(mapping: object): NodeRedisClient;
}

/** What the backend uses of a node-redis pool (`createClientPool`). */
export interface NodeRedisPool {
  execute<R>(task: (client: NodeRedisClient) => R): Promise<Awaited<R>>;
  readonly isOpen: boolean;
  readonly totalClients: number;
}

/** What the backend uses of a node-redis sentinel client (`createSentinel`). */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean, args: string[]): Promise<unknown>;
  multi(): NodeRedisPipeline<[isReadonly: boolean, args: string[]]>;
  getMasterNode(): { host: string; port: number } | undefined;
  readonly isOpen: boolean;
  readonly isReady?: boolean;
}

/** Commands that node-redis sends, or abandons, together. */
interface NodeRedisPipeline<Command extends readonly unknown[]> {
  addCommand(...command: Command): unknown;
  execAsPipeline(): Promise<unknown[]>;
}

/** The command port over an existing node-redis client or pool. Its owner closes it. */
export class NodeRedisCommands implements RedisCommands {
  readonly #client: NodeRedisClient | NodeRedisPool;

  constructor(client: NodeRedisClient | NodeRedisPool) {
    this.#client = client;
  }

  async send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    const client = this.#client;
    if (!client.isOpen) throw notConnected();
    return inTime(options, (begun) =>
      isPool(client)
        ? client.execute((one) => together(one, commands, options, begun))
        : together(client, commands, options, begun),
    );
  }

  close(): void {
    // The client belongs to its owner.
  }
}

/** The same over a sentinel client. The client itself sends commands again that got no reply. */
export class NodeRedisSentinelCommands implements RedisCommands {
  readonly #client: NodeRedisSentinel;

  constructor(client: NodeRedisSentinel) {
    this.#client = client;
  }

  async send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    if (!this.#client.isOpen) throw notConnected();
    if (options.readOnly) {
      try {
        // The client does not try the master if a replica is frozen. So half of the time is kept for the master.
        return await this.#send(commands, { ...options, timeoutMs: options.timeoutMs / 2 });
      } catch (error) {
        if (!(error instanceof NoReply)) throw error;
        return this.#send(commands, { ...options, timeoutMs: options.timeoutMs / 2, readOnly: false });
      }
    }
    return this.#send(commands, options);
  }

  #send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    const { inseparable = false, readOnly = false } = options;
    const client = this.#client;
    return inTime(options, async (begun) => {
      if (client.isReady === false) await client.sendCommand(false, ["PING"]); // as in `together`
      begun();
      if (inseparable)
        return pipelined(
          client.multi(),
          commands.map((command) => [readOnly, [...command]] as const),
        );
      return repliesOf(commands.map((command) => client.sendCommand(readOnly, [...command])));
    });
  }

  serverOf(): string | undefined {
    const { host, port } = this.#client.getMasterNode() ?? {};
    return host && `${host}:${port}`;
  }

  close(): void {
    // The client belongs to its owner.
  }
}

/** Sends commands together: a client sends commands together that it gets in one go. */
async function together(
  client: NodeRedisClient,
  commands: readonly RedisCommand[],
  { inseparable = false }: SendOptions,
  begun: () => void,
): Promise<readonly RedisReply[]> {
  // A command that waits in the client for a connection is sent even after its deadline. So a PING waits instead.
  if (client.isReady === false) await client.sendCommand(["PING"]);
  begun();
  // The owner may have configured other types for replies, but this port reads text.
  const plain = client.withTypeMapping?.({}) ?? client;
  if (inseparable)
    return pipelined(
      plain.multi(),
      commands.map((command) => [[...command]] as const),
    );
  return repliesOf(commands.map((command) => plain.sendCommand([...command])));
}

/** Sends a pipeline. One refused command rejects all of it, so that the other replies are unknown. */
async function pipelined<Command extends readonly unknown[]>(
  pipeline: NodeRedisPipeline<Command>,
  commands: readonly Command[],
): Promise<readonly RedisReply[]> {
  for (const command of commands) pipeline.addCommand(...command);
  try {
    return (await pipeline.execAsPipeline()).map(textOf);
  } catch (error) {
    const refusal = errorReplyOf(error);
    return commands.map(() => refusal);
  }
}

function isPool(client: NodeRedisClient | NodeRedisPool): client is NodeRedisPool {
  return "execute" in client && "totalClients" in client;
}

function notConnected(): NoReply {
  return new NoReply(false, new Error("the given client is not connected: call its connect() first"));
}
