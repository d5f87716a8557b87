import type { Script } from "../scripts/scripts.ts";
import { Refusal } from "../wire/failures.ts";
import {
  NoReply,
  type RedisCommand,
  type RedisCommands,
  type RedisReply,
  RefusedReply,
  type SendOptions,
} from "../wire/redis-commands.ts";
import type { Until } from "./attempts.ts";
import { ServerClock } from "./server-clock.ts";

/** How many replicas are to have a write, and how long to wait for them, in ms. */
export interface Replicas {
  readonly count: number;
  readonly timeoutMs: number;
}

/** A write was made, and too few replicas have said that they have it. */
export class TooFewReplicas extends Error {
  override readonly name = "TooFewReplicas";
  readonly wanted: number;
  readonly reached: number;

  constructor(wanted: number, reached: number) {
    super(`${reached} of ${wanted} replicas have it`);
    this.wanted = wanted;
    this.reached = reached;
  }
}

/** What scripts answer where what they were to write is there, by them or by an earlier attempt. */
const done: ReadonlySet<string> = new Set(["appended", "found", "saved", "deleted", "unlisted", "renewed"]);

/** What only a WAIT is answered: that it is not allowed or not known, or that the server is no master any more. */
const refusedToWait = /'wait'|\bWAIT\b|^UNBLOCKED /;

/** Runs commands and scripts by a deadline. Rejects with {@link Refusal}, or with {@link NoReply}. */
export class ScriptRunner {
  readonly commands: RedisCommands;
  readonly #replicas: Replicas | undefined;
  /** By server. */
  readonly #clocks = new Map<string, ServerClock>();

  /** Whether writes wait for replicas. */
  get waits(): boolean {
    return this.#replicas !== undefined;
  }

  /** `replicas` are those that {@link write} waits for. */
  constructor(commands: RedisCommands, replicas: Replicas | undefined) {
    this.commands = commands;
    this.#replicas = replicas;
  }

  /** `by`: one of several servers, in the place of the one that serves the key. */
  async command(
    args: readonly string[],
    until: Until,
    { by = this.commands, ...options }: { key?: string; readOnly?: boolean; by?: Pick<RedisCommands, "send"> } = {},
  ): Promise<RedisReply> {
    const [reply = null] = await by.send([args], { ...sending(until), ...options });
    return granted(reply);
  }

  /** The replies to one command that names no key, of the server or of each master of a cluster. */
  async everywhere(args: RedisCommand, until: Until): Promise<RedisReply[]> {
    const masters = await this.commands.masters?.(sending(until));
    if (masters === undefined) return [await this.command(args, until)];
    return Promise.all(masters.map(({ commands }) => this.command(args, until, { by: commands })));
  }

  /** The reply to one command for each key, whatever it is. Where one server has them all, they travel together. */
  async forEach(keys: readonly string[], command: (key: string) => RedisCommand, until: Until): Promise<RedisReply[]> {
    if (this.commands.masters === undefined) return [...(await this.commands.send(keys.map(command), sending(until)))];
    const replies = keys.map((key) => this.commands.send([command(key)], { ...sending(until), key }));
    return (await Promise.all(replies)).map(([reply = null]) => reply);
  }

  /** The replies to commands about one key that travel together, whatever they are; where one is refused, the others may be, too. */
  together(key: string, commands: readonly RedisCommand[], until: Until): Promise<readonly RedisReply[]> {
    return this.commands.send(commands, { ...sending(until), key, inseparable: true });
  }

  /** A script that only reads. */
  async read(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    until: Until,
    readOnly = false,
  ): Promise<readonly RedisReply[]> {
    const [reply] = await this.#run(script, keys, args, [], { ...sending(until), readOnly });
    return reply;
  }

  /** A script that writes, with its deadline before its other arguments. Rejects with {@link TooFewReplicas}, too. */
  async write(
    script: Script,
    keys: readonly string[],
    args: readonly string[],
    until: Until,
  ): Promise<readonly RedisReply[]> {
    const deadline = await this.#deadline(keys[0] ?? "", until);
    const behind: RedisCommand[] = [];
    if (this.#replicas !== undefined) {
      const { count, timeoutMs } = this.#replicas;
      // A little less than there is, so that what the server says of it still arrives.
      const left = Math.floor(((until.moment - performance.now()) * 3) / 4);
      behind.push(["WAIT", String(count), String(Math.max(1, Math.min(timeoutMs, left)))]);
    }
    // Behind its write, and on its connection, or it would speak of another's.
    const options = { ...sending(until), inseparable: behind.length > 0 };
    const [reply, reached] = await this.#run(script, keys, [deadline, ...args], behind, options);
    const wanted = this.#replicas?.count ?? 0;
    if (done.has(String(reply[0])) && Number(reached) < wanted) throw new TooFewReplicas(wanted, Number(reached));
    return reply;
  }

  /** By the script's name, and where the server does not know it, by its text. Its reply, and that to the command behind it. */
  async #run(
    { sha, source, noteTime }: Script,
    keys: readonly string[],
    args: readonly string[],
    behind: readonly RedisCommand[],
    options: SendOptions,
  ): Promise<[reply: readonly RedisReply[], behind: RedisReply | undefined]> {
    const rest = [String(keys.length), ...keys, ...args];
    const key = keys[0];
    const overdueAt = performance.now() + options.timeoutMs;
    const server = this.#serverOf(key);
    let [reply, second] = await this.commands.send([["EVALSHA", sha, ...rest], ...behind], { ...options, key });
    if (reply instanceof RefusedReply && reply.message.startsWith("NOSCRIPT")) {
      options.signal?.throwIfAborted();
      const timeoutMs = overdueAt - performance.now();
      if (timeoutMs <= 0) throw new NoReply(false, new Error("no time was left to send it"));
      [reply, second] = await this.commands.send([["EVAL", source, ...rest], ...behind], {
        ...options,
        key,
        timeoutMs,
      });
    }
    // Of node-redis, the refusal of one of them is all that there is to know: this one is of what stands behind the script.
    if (reply instanceof RefusedReply && behind.length > 0 && refusedToWait.test(reply.message))
      throw new Refusal(reply.message, "unknown", reply.server);
    const answer = granted(reply ?? null) as readonly RedisReply[]; // as all of our scripts do
    // Where another server took its place meanwhile, it is not known whose time that is; and behind a WAIT, not when it was.
    const isTold = noteTime && !options.readOnly && behind.length === 0 && server === this.#serverOf(key);
    if (isTold) this.#clock(server).observe(Number(answer[1]));
    else if (answer[0] === "late") this.#clocks.delete(server); // it is asked anew
    if (second instanceof RefusedReply) {
      throw new Refusal(second.message, done.has(String(answer[0])) ? "applied" : "not-applied", second.server);
    }
    return [answer, second];
  }

  /** The deadline of a command, for the clock of the server that it goes to. */
  async #deadline(key: string, until: Until): Promise<string> {
    if (!this.#clock(this.#serverOf(key)).isKnown) {
      const time = (await this.command(["TIME"], until, { key })) as readonly string[]; // seconds, and µs of the second
      this.#clock(this.#serverOf(key)).observe(Number(time[0]) * 1_000_000 + Number(time[1]));
    }
    return String(this.#clock(this.#serverOf(key)).at(until.moment));
  }

  #serverOf(key: string | undefined): string {
    return (key !== undefined && this.commands.serverOf?.(key)) || "";
  }

  #clock(server: string): ServerClock {
    let clock = this.#clocks.get(server);
    if (clock === undefined) {
      clock = new ServerClock();
      this.#clocks.set(server, clock);
    }
    return clock;
  }
}

function granted(reply: RedisReply): RedisReply {
  if (reply instanceof RefusedReply) throw new Refusal(reply.message, "not-applied", reply.server);
  return reply;
}

/** Throws where nothing may be sent any more: {@link NoReply}, or the signal's reason. */
function sending({ moment, signal }: Until): SendOptions {
  signal?.throwIfAborted();
  const timeoutMs = moment - performance.now();
  if (timeoutMs <= 0) throw new NoReply(false, new Error("no time was left to send it"));
  return { timeoutMs, signal };
}
