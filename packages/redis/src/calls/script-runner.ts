import type { ReplicaSettings } from "../options/memory-settings.ts";
import { CLOCK } from "../scripts/clock.ts";
import type { Script, ScriptReply } from "../scripts/script.ts";
import { CommandRefused, ErrorReply, TooFewReplicas } from "../wire/failures.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../wire/redis-commands.ts";
import { listOf } from "../wire/replies.ts";
import { type Deadline, timeLeft } from "./deadline.ts";
import { ServerClock } from "./server-clock.ts";

/** What scripts answer if their write is stored, by this attempt or by an earlier one. */
const done: ReadonlySet<string> = new Set(["appended", "found", "saved", "deleted", "unlisted", "renewed"]);

/** What proxies say of a command without a key, and servers of one that was renamed. */
const unknownCommand = /^ERR .*(unknown|unsupported|not supported|not allowed|invalid request)/i;

/** Errors that only WAIT produces: forbidden, unknown, or the server was demoted. */
const refusedToWait = /'wait'|\bWAIT\b|^UNBLOCKED /;

/** A script with its SHA-1 and text. `rest`: the number of keys, the keys, and the arguments. */
interface Invocation {
  readonly sha: string;
  readonly source: string;
  readonly key: string | undefined;
  readonly rest: readonly string[];
}

/** Runs commands and scripts within a deadline. Rejects with {@link CommandRefused} or `NoReply`. */
export class ScriptRunner {
  readonly commands: RedisCommands;
  readonly #replicas: ReplicaSettings | undefined;
  #needsKeys: boolean;
  /** By the server's name. */
  readonly #clocks = new Map<string, ServerClock>();

  /** Whether writes wait for replicas. */
  get waits(): boolean {
    return this.#replicas !== undefined;
  }

  /**
   * `replicas`: how many replicas {@link write} waits for, and how long. `needsKeys`: whether only commands with a key
   * are known to reach the server.
   */
  constructor(commands: RedisCommands, replicas: ReplicaSettings | undefined, needsKeys = false) {
    this.commands = commands;
    this.#replicas = replicas;
    this.#needsKeys = needsKeys;
  }

  /** Runs one command. `by`: a particular server, instead of the one that serves the key. */
  async command(
    args: RedisCommand,
    deadline: Deadline,
    { by = this.commands, ...options }: { key?: string; readOnly?: boolean; by?: Pick<RedisCommands, "send"> } = {},
  ): Promise<RedisReply> {
    const [reply = null] = await by.send([args], { ...timeLeft(deadline), ...options });
    return granted(reply);
  }

  /** Sends a command without a key to the server, or to each master of a cluster. Resolves to all replies. */
  async everywhere(args: RedisCommand, deadline: Deadline): Promise<RedisReply[]> {
    const masters = await this.commands.masters?.(timeLeft(deadline));
    if (masters === undefined) return [await this.command(args, deadline)];
    return Promise.all(masters.map(({ commands }) => this.command(args, deadline, { by: commands })));
  }

  /**
   * Sends one command for each key, together if one server has all keys. Resolves to all replies, errors of the server
   * included.
   */
  async forEach(
    keys: readonly string[],
    command: (key: string) => RedisCommand,
    deadline: Deadline,
  ): Promise<RedisReply[]> {
    if (this.commands.masters === undefined) {
      return [...(await this.commands.send(keys.map(command), timeLeft(deadline)))];
    }
    const replies = keys.map((key) => this.commands.send([command(key)], { ...timeLeft(deadline), key }));
    return (await Promise.all(replies)).map(([reply = null]) => reply);
  }

  /**
   * Sends commands about one key together. Resolves to all replies. If one of them is an error, the others may be
   * errors, too.
   */
  together(key: string, commands: readonly RedisCommand[], deadline: Deadline): Promise<readonly RedisReply[]> {
    return this.commands.send(commands, { ...timeLeft(deadline), key, inseparable: true });
  }

  /** Runs a script that only reads. */
  async read<Input, Reply extends ScriptReply>(
    script: Script<Input, Reply>,
    input: Input,
    deadline: Deadline,
    readOnly = false,
  ): Promise<Reply> {
    const { keys, args } = script.encode(input);
    const [reply] = await this.#run(script, keys, args, [], { ...timeLeft(deadline), readOnly });
    return reply;
  }

  /** Runs a script that writes: its first argument is the deadline. Rejects with {@link TooFewReplicas} as well. */
  async write<Input, Reply extends ScriptReply>(
    script: Script<Input, Reply>,
    input: Input,
    deadline: Deadline,
  ): Promise<Reply> {
    const { keys, args } = script.encode(input);
    const serverDeadline = await this.#serverDeadline(keys[0] ?? "", deadline);
    const after: RedisCommand[] = [];
    if (this.#replicas !== undefined) {
      const { count, timeoutMs } = this.#replicas;
      // Slightly less than the time left, so that the reply still arrives.
      const left = Math.floor(((deadline.moment - performance.now()) * 3) / 4);
      after.push(["WAIT", String(count), String(Math.max(1, Math.min(timeoutMs, left)))]);
    }
    // WAIT counts for the writes of its own connection, so both must go there, in this order.
    const options = { ...timeLeft(deadline), inseparable: after.length > 0 };
    const [reply, reached] = await this.#run(script, keys, [serverDeadline, ...args], after, options);
    const wanted = this.#replicas?.count ?? 0;
    if (done.has(reply.what) && Number(reached) < wanted) throw new TooFewReplicas(wanted, Number(reached));
    return reply;
  }

  /** Resolves to the script's reply, and the reply to the command after it. */
  async #run<Reply extends ScriptReply>(
    script: Script<never, Reply>,
    keys: readonly string[],
    args: readonly string[],
    after: readonly RedisCommand[],
    options: SendOptions,
  ): Promise<[reply: Reply, after: RedisReply | undefined]> {
    const [key] = keys;
    const server = this.#serverOf(key);
    const rest = [String(keys.length), ...keys, ...args];
    const [raw, second] = await this.#send({ ...script, key, rest }, after, options);
    // With node-redis, one refused command hides the other's reply. This refusal is WAIT's: the script's outcome is
    // unknown.
    if (raw instanceof ErrorReply && after.length > 0 && refusedToWait.test(raw.message))
      throw new CommandRefused(raw.message, "unknown", raw.server);
    const reply = script.parse(listOf(granted(raw)));
    // The time in the reply is useless if another server took over meanwhile, since it may be either server's time. It
    // is useless after a WAIT as well, since the reply came some time after the server's clock was read.
    const isTimely = !options.readOnly && after.length === 0 && server === this.#serverOf(key);
    if (isTimely && reply.now !== undefined) this.#clock(server).observe(reply.now);
    else if (reply.what === "late") this.#clocks.delete(server); // so that the next write reads it again
    if (second instanceof ErrorReply) {
      throw new CommandRefused(second.message, done.has(reply.what) ? "applied" : "not-applied", second.server);
    }
    return [reply, second];
  }

  /** Sends the script's SHA-1 or, if the server does not know that, its text. */
  async #send(
    { sha, source, key, rest }: Invocation,
    after: readonly RedisCommand[],
    options: SendOptions,
  ): Promise<[reply: RedisReply, after: RedisReply | undefined]> {
    const deadline = { moment: performance.now() + options.timeoutMs, signal: options.signal };
    const [reply = null, second] = await this.commands.send([["EVALSHA", sha, ...rest], ...after], { ...options, key });
    if (!(reply instanceof ErrorReply && reply.message.startsWith("NOSCRIPT"))) return [reply, second];
    const again = { ...options, ...timeLeft(deadline), key };
    const [other = null, otherSecond] = await this.commands.send([["EVAL", source, ...rest], ...after], again);
    return [other, otherSecond];
  }

  /** The deadline by the clock of the server that has the key: µs since 1970, as text. */
  async #serverDeadline(key: string, deadline: Deadline): Promise<string> {
    if (!this.#clock(this.#serverOf(key)).isKnown) {
      const now = await this.#serverTime(key, deadline);
      this.#clock(this.#serverOf(key)).observe(now); // which server it is may be known only after its reply
    }
    return String(this.#clock(this.#serverOf(key)).at(deadline.moment));
  }

  /** The time of the server that has the key, in µs since 1970. */
  async #serverTime(key: string, deadline: Deadline): Promise<number> {
    if (!this.#needsKeys) {
      const [reply = null] = await this.commands.send([["TIME"]], { ...timeLeft(deadline), key });
      if (!(reply instanceof ErrorReply && unknownCommand.test(reply.message))) {
        const [seconds, micros] = listOf(granted(reply));
        return Number(seconds) * 1_000_000 + Number(micros);
      }
      this.#needsKeys = true; // an existing client may have a proxy before its server
    }
    return (await this.read(CLOCK, { key }, deadline)).now;
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
  if (reply instanceof ErrorReply) throw new CommandRefused(reply.message, "not-applied", reply.server);
  return reply;
}
