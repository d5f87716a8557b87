import type { ReplicaSettings } from "../options/memory-settings.ts";
import type { Script, ScriptReply } from "../scripts/script.ts";
import { CommandRefused, ErrorReply, TooFewReplicas } from "../wire/failures.ts";
import type { RedisCommand, RedisCommands, RedisReply, SendOptions } from "../wire/redis-commands.ts";
import { listOf } from "../wire/replies.ts";
import { type Deadline, timeLeft } from "./deadline.ts";
import { ServerClock } from "./server-clock.ts";

/** What scripts answer if what they were to write is there, by them or by an earlier attempt. */
const done: ReadonlySet<string> = new Set(["appended", "found", "saved", "deleted", "unlisted", "renewed"]);

/** Errors that only WAIT produces: forbidden, unknown, or the server was demoted. */
const refusedToWait = /'wait'|\bWAIT\b|^UNBLOCKED /;

/** A script, by what the server knows it by, with its number of keys, its keys and its arguments. */
interface Invocation {
  readonly sha: string;
  readonly source: string;
  readonly key: string | undefined;
  readonly rest: readonly string[];
}

/** Runs commands and scripts by a deadline. Rejects with {@link CommandRefused}, or with `NoReply`. */
export class ScriptRunner {
  readonly commands: RedisCommands;
  readonly #replicas: ReplicaSettings | undefined;
  /** By server. */
  readonly #clocks = new Map<string, ServerClock>();

  /** Whether writes wait for replicas. */
  get waits(): boolean {
    return this.#replicas !== undefined;
  }

  /** `replicas` are those that {@link write} waits for. */
  constructor(commands: RedisCommands, replicas: ReplicaSettings | undefined) {
    this.commands = commands;
    this.#replicas = replicas;
  }

  /** `by`: one of several servers, in the place of the one that serves the key. */
  async command(
    args: RedisCommand,
    deadline: Deadline,
    { by = this.commands, ...options }: { key?: string; readOnly?: boolean; by?: Pick<RedisCommands, "send"> } = {},
  ): Promise<RedisReply> {
    const [reply = null] = await by.send([args], { ...timeLeft(deadline), ...options });
    return granted(reply);
  }

  /** The replies to one command that names no key, of the server or of each master of a cluster. */
  async everywhere(args: RedisCommand, deadline: Deadline): Promise<RedisReply[]> {
    const masters = await this.commands.masters?.(timeLeft(deadline));
    if (masters === undefined) return [await this.command(args, deadline)];
    return Promise.all(masters.map(({ commands }) => this.command(args, deadline, { by: commands })));
  }

  /** The reply to one command for each key, whatever it is. If one server has them all, they travel together. */
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

  /** The replies to commands about one key that travel together; if one is refused, the others may be, too. */
  together(key: string, commands: readonly RedisCommand[], deadline: Deadline): Promise<readonly RedisReply[]> {
    return this.commands.send(commands, { ...timeLeft(deadline), key, inseparable: true });
  }

  /** A script that only reads. */
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

  /** A script that writes, with its deadline before its other arguments. Rejects with {@link TooFewReplicas}, too. */
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
      // A little less than there is, so that what the server says of it still arrives.
      const left = Math.floor(((deadline.moment - performance.now()) * 3) / 4);
      after.push(["WAIT", String(count), String(Math.max(1, Math.min(timeoutMs, left)))]);
    }
    // After its write, and on its connection, or it would speak of another's.
    const options = { ...timeLeft(deadline), inseparable: after.length > 0 };
    const [reply, reached] = await this.#run(script, keys, [serverDeadline, ...args], after, options);
    const wanted = this.#replicas?.count ?? 0;
    if (done.has(reply.what) && Number(reached) < wanted) throw new TooFewReplicas(wanted, Number(reached));
    return reply;
  }

  /** The script's reply, and that to the command after it. */
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
    // Of node-redis, the refusal of one of them is all that there is to know: this one is of what stands after the
    // script.
    if (raw instanceof ErrorReply && after.length > 0 && refusedToWait.test(raw.message))
      throw new CommandRefused(raw.message, "unknown", raw.server);
    const reply = script.parse(listOf(granted(raw)));
    // If another server took its place meanwhile, it is not known whose time that is; and after a WAIT, not when it
    // was.
    const isTold = !options.readOnly && after.length === 0 && server === this.#serverOf(key);
    if (isTold && reply.now !== undefined) this.#clock(server).observe(reply.now);
    else if (reply.what === "late") this.#clocks.delete(server); // it is asked again
    if (second instanceof ErrorReply) {
      throw new CommandRefused(second.message, done.has(reply.what) ? "applied" : "not-applied", second.server);
    }
    return [reply, second];
  }

  /** By the script's name, and if the server does not know it, by its text. */
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

  /** The deadline of a command, for the clock of the server that it goes to. */
  async #serverDeadline(key: string, deadline: Deadline): Promise<string> {
    if (!this.#clock(this.#serverOf(key)).isKnown) {
      const [seconds, micros] = listOf(await this.command(["TIME"], deadline, { key }));
      this.#clock(this.#serverOf(key)).observe(Number(seconds) * 1_000_000 + Number(micros));
    }
    return String(this.#clock(this.#serverOf(key)).at(deadline.moment));
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
