import { NoReply } from "../failures.ts";
import { inTime } from "../in-time.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../redis-commands.ts";
import { errorReplyOf, repliesOf, textOf } from "../replies.ts";

/** What is asked of a client of ioredis (`new Redis()`), which may ask sentinels where the master is. */
export interface IoredisClient {
  pipeline(): object;
  readonly status: string;
  readonly options: object;
}

/** What its pipelines have beside a method for each command. */
interface Pipeline {
  options?: object;
  exec(): Promise<readonly (readonly [error: Error | null, reply?: unknown])[] | null>;
}

interface Methods {
  readonly [command: string]: (...args: readonly string[]) => unknown;
}

/**
 * The command port over a client of ioredis that somebody else made, and closes. It sends again by itself what got no
 * reply.
 */
export class IoredisCommands implements RedisCommands {
  readonly #client: IoredisClient;

  constructor(client: IoredisClient) {
    this.#client = client;
  }

  async send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    if (this.#client.status === "end") throw new NoReply(false, new Error("the client that was given has ended"));
    return inTime(options, async (begun) => {
      // What waits in it for a connection is sent when there is one, whatever became of its caller: this waits instead.
      if (this.#client.status !== undefined && this.#client.status !== "ready") await call(this.#client, ["PING"]);
      const { keyPrefix }: { keyPrefix?: string } = this.#client.options;
      const [command, ...others] = commands;
      if (command !== undefined && others.length === 0 && !keyPrefix) {
        begun();
        return repliesOf([call(this.#client, command)]);
      }
      const pipeline = this.#client.pipeline() as Pipeline; // it has more, by the names of commands
      // Keys are the backend's prefix and the id, whatever prefix the client gives to others.
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
        // As ioredis-mock does for a script that it does not know yet.
        const refusal = errorReplyOf(error);
        return commands.map(() => refusal);
      }
    });
  }

  /** Where its connection leads: with sentinels, that changes. */
  serverOf(): string | undefined {
    const { stream }: IoredisClient & { stream?: { remoteAddress?: string; remotePort?: number } } = this.#client;
    return stream?.remoteAddress && `${stream.remoteAddress}:${stream.remotePort}`;
  }

  close(): void {
    // It is not ours.
  }
}

function call(on: object, [name = "", ...args]: RedisCommand): unknown {
  return (on as Methods)[name.toLowerCase()]?.(...args); // it has one for each command
}
