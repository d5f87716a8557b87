import { NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { errorReplyOf, repliesOf, textOf } from "../replies.ts";

/** What is asked of a client of node-redis (`createClient` of `redis` or `@redis/client`). */
export interface NodeRedisClient {
  sendCommand(args: string[]): Promise<unknown>;
  multi(): NodeRedisPipeline<[args: string[]]>;
  readonly isOpen: boolean;
  readonly isReady?: boolean;
  withTypeMapping?(mapping: object): NodeRedisClient;
}

/** Of a pool of them (`createClientPool`). */
export interface NodeRedisPool {
  execute<R>(task: (client: NodeRedisClient) => R): Promise<Awaited<R>>;
  readonly isOpen: boolean;
  readonly totalClients: number;
}

/** And of one that asks sentinels where the master is (`createSentinel`). */
export interface NodeRedisSentinel {
  sendCommand(isReadonly: boolean, args: string[]): Promise<unknown>;
  multi(): NodeRedisPipeline<[isReadonly: boolean, args: string[]]>;
  getMasterNode(): { host: string; port: number } | undefined;
  readonly isOpen: boolean;
  readonly isReady?: boolean;
}

/** Commands that node-redis sends, or gives up, together. */
interface NodeRedisPipeline<Command extends readonly unknown[]> {
  addCommand(...command: Command): unknown;
  execAsPipeline(): Promise<unknown[]>;
}

/** The command port over a client or pool of node-redis that somebody else made, and closes. */
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
    // It is not ours.
  }
}

/** The same over one that asks sentinels. It sends again by itself what got no reply. */
export class NodeRedisSentinelCommands implements RedisCommands {
  readonly #client: NodeRedisSentinel;

  constructor(client: NodeRedisSentinel) {
    this.#client = client;
  }

  async send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    if (!this.#client.isOpen) throw notConnected();
    if (options.readOnly) {
      try {
        // It does not turn to the master if a replica stands still. Half of the time is the master's.
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
      if (client.isReady === false) await client.sendCommand(false, ["PING"]); // as below
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
    // It is not ours.
  }
}

/** Commands that are given to a client in one go leave it together. */
async function together(
  client: NodeRedisClient,
  commands: readonly RedisCommand[],
  { inseparable = false }: SendOptions,
  begun: () => void,
): Promise<readonly RedisReply[]> {
  // What waits in it for a connection is sent when there is one, whatever became of its caller: this waits instead.
  if (client.isReady === false) await client.sendCommand(["PING"]);
  begun();
  // Whatever its owner wants replies to be turned into, we read text.
  const plain = client.withTypeMapping?.({}) ?? client;
  if (inseparable)
    return pipelined(
      plain.multi(),
      commands.map((command) => [[...command]] as const),
    );
  return repliesOf(commands.map((command) => plain.sendCommand([...command])));
}

/** What is refused rejects all of a pipeline: the others' replies are not known then. */
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
  return new NoReply(false, new Error("the client that was given is not connected: call its connect() first"));
}
