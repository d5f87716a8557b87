import { inTime } from "./overdue.ts";
import { NoReply, type RedisCommand, type RedisCommands, type RedisReply, type SendOptions } from "./redis-commands.ts";
import { refusalOf, textOf } from "./replies.ts";

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
  readonly [command: string]: unknown;
}

/** The command port over a client of ioredis that somebody else made, and closes. It sends again by itself what got no reply. */
export class IoredisCommands implements RedisCommands {
  readonly #client: IoredisClient;
  readonly failsOver: boolean;

  constructor(client: IoredisClient) {
    this.#client = client;
    this.failsOver = Boolean((client.options as { sentinels?: unknown }).sentinels);
  }

  async send(commands: readonly RedisCommand[], options: SendOptions): Promise<readonly RedisReply[]> {
    if (this.#client.status === "end") throw new NoReply(false, new Error("the client that was given has ended"));
    return inTime(options, async (begun) => {
      const pipeline = this.#client.pipeline() as Pipeline; // it has more, by the names of commands
      // Keys are the backend's prefix and the id, whatever prefix the client gives to others.
      pipeline.options = { ...pipeline.options, keyPrefix: undefined };
      for (const [name = "", ...args] of commands) (pipeline[name.toLowerCase()] as Add).apply(pipeline, args);
      begun();
      const replies = (await pipeline.exec()) ?? [];
      return replies.map(([error, reply]) => (error ? refusalOf(error) : textOf(reply)));
    });
  }

  /** Where its connection leads: behind sentinels, that changes. */
  serverOf(): string | undefined {
    const { stream } = this.#client as { stream?: { remoteAddress?: string; remotePort?: number } };
    return stream?.remoteAddress && `${stream.remoteAddress}:${stream.remotePort}`;
  }

  close(): void {
    // It is not ours.
  }
}

type Add = (...args: readonly string[]) => unknown;
