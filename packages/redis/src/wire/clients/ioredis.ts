import { NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { errorReplyOf, repliesOf, textOf } from "../replies.ts";

/** What the backend uses of an ioredis client (`new Redis()`), which may find its master through sentinels. */
export interface IoredisClient {
  pipeline(): object;
  readonly status: string;
  readonly options: object;
}

/** What its pipelines have besides a method for each command. */
interface Pipeline {
  options?: object;
  exec(): Promise<readonly (readonly [error: Error | null, reply?: unknown])[] | null>;
}

interface Methods {
  readonly [command: string]: (...args: readonly string[]) => unknown;
}

/**
 * The command port over an existing ioredis client. Its owner closes the client. The client itself sends commands again
 * that got no reply.
 */
export class IoredisCommands implements RedisCommands {
  readonly #client: IoredisClient;

  constructor(client: IoredisClient) {
    this.#client = client;
  }

  async send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    if (this.#client.status === "end") throw new NoReply(false, new Error("the given client has ended"));
    return inTime(options, async (begun) => {
      // A command that waits in the client for a connection is sent even after its deadline. So a PING waits instead.
      if (this.#client.status !== undefined && this.#client.status !== "ready") await call(this.#client, ["PING"]);
      const { keyPrefix }: { keyPrefix?: string } = this.#client.options;
      const [command, ...others] = commands;
      if (command !== undefined && others.length === 0 && !keyPrefix) {
        begun();
        return repliesOf([call(this.#client, command)]);
      }
      const pipeline = this.#client.pipeline() as Pipeline; // it also has a method for each command
      // A key is the backend's prefix and the id. The client's own prefix must not be added.
      pipeline.options = { ...pipeline.options, keyPrefix: undefined };
      begun();
      if (!commands.every(([name = ""]) => name.toLowerCase() in pipeline)) {
        // ioredis-mock has EVAL, but not in its pipelines.
        return repliesOf(commands.map((command) => call(this.#client, command)));
      }
      for (const command of commands) call(pipeline, command);
      try {
        const replies = (await pipeline.exec()) ?? [];
        return replies.map(([error, reply]) => (error ? errorReplyOf(error) : textOf(reply)));
      } catch (error) {
        // ioredis-mock rejects so for a script that it does not know yet.
        const refusal = errorReplyOf(error);
        return commands.map(() => refusal);
      }
    });
  }

  /** The address of its connection, which changes with sentinels. */
  serverOf(): string | undefined {
    const { stream }: IoredisClient & { stream?: { remoteAddress?: string; remotePort?: number } } = this.#client;
    return stream?.remoteAddress && `${stream.remoteAddress}:${stream.remotePort}`;
  }

  close(): void {
    // The client belongs to its owner.
  }
}

function call(on: object, [name = "", ...args]: RedisCommand): unknown {
  return (on as Methods)[name.toLowerCase()]?.(...args); // a client has a method for each command
}
