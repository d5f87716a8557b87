import type { Outcome } from "@deep-agent/core";
import type { Until } from "./attempts.ts";
import {
  NoReply,
  type RedisCommand,
  type RedisCommands,
  type RedisReply,
  RefusedReply,
  type SendOptions,
} from "./redis-commands.ts";
import type { Script } from "./scripts.ts";
import type { ServerClock } from "./server-clock.ts";

/** What the server answered instead of doing what it was asked to. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  /** What became of the rest of it. */
  readonly outcome: Outcome;

  constructor(message: string, outcome: Outcome = "not-applied") {
    super(message);
    this.outcome = outcome;
  }
}

/** Runs commands and scripts by a deadline. Rejects with {@link Refusal}, or with {@link NoReply}. */
export class ScriptRunner {
  readonly commands: RedisCommands;
  readonly clock: ServerClock;

  constructor(commands: RedisCommands, clock: ServerClock) {
    this.commands = commands;
    this.clock = clock;
  }

  async command(args: readonly string[], until: Until, key?: string): Promise<RedisReply> {
    const [reply = null] = await this.commands.send([args], sending(until, key));
    if (reply instanceof RefusedReply) throw new Refusal(reply.message);
    return reply;
  }

  /** Of several commands, whatever the server answers to each. */
  together(commands: readonly RedisCommand[], until: Until): Promise<readonly RedisReply[]> {
    return this.commands.send(commands, sending(until, undefined));
  }

  /** By the script's name, and where the server does not know it, by its text. */
  async script(
    { sha, source, noteTime }: Script,
    keys: readonly string[],
    args: readonly string[],
    until: Until,
  ): Promise<readonly RedisReply[]> {
    const rest = [String(keys.length), ...keys, ...args];
    const key = keys[0];
    const [first] = await this.commands.send([["EVALSHA", sha, ...rest]], sending(until, key));
    const reply =
      first instanceof RefusedReply && first.message.startsWith("NOSCRIPT")
        ? await this.command(["EVAL", source, ...rest], until, key)
        : first;
    if (reply instanceof RefusedReply) throw new Refusal(reply.message);
    const answer = reply as readonly RedisReply[]; // as all of our scripts do
    if (noteTime) this.clock.observe(Number(answer[1]));
    return answer;
  }

  /** The deadline of a command, for the server's clock. */
  async deadline(until: Until): Promise<string> {
    if (!this.clock.isKnown) {
      const time = (await this.command(["TIME"], until)) as readonly string[]; // seconds, and µs of the second
      this.clock.observe(Number(time[0]) * 1_000_000 + Number(time[1]));
    }
    return String(this.clock.at(until.moment));
  }
}

/** Throws where nothing may be sent any more: {@link NoReply}, or the signal's reason. */
function sending({ moment, signal }: Until, key: string | undefined): SendOptions {
  signal?.throwIfAborted();
  const timeoutMs = moment - performance.now();
  if (timeoutMs <= 0) throw new NoReply(false, new Error("no time was left to send it"));
  return { key, timeoutMs, signal };
}
