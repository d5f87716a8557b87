import { APPEND } from "../../../src/scripts/append.ts";
import { CONVERT } from "../../../src/scripts/convert.ts";
import { DELETE } from "../../../src/scripts/delete.ts";
import { PRUNE } from "../../../src/scripts/prune.ts";
import { SAVE } from "../../../src/scripts/save.ts";
import { NoReply } from "../../../src/wire/failures.ts";
import type { RedisCommand, RedisCommands, RedisReply } from "../../../src/wire/redis-commands.ts";
import { repliesOf } from "../../../src/wire/replies.ts";
import type { Random } from "./random.ts";
import { Lane, type Scheduler, STEP_MS } from "./scheduler.ts";

/** How often a command meets with which fate. */
export interface LossRates {
  reply: number;
  request: number;
  late: number;
  unsent: number;
}

export const NO_LOSSES: LossRates = { reply: 0, request: 0, late: 0, unsent: 0 };

export interface LossyPortOptions {
  scheduler: Scheduler;
  random: Random;
  rates: { current: LossRates };
  send(command: readonly string[]): Promise<unknown>;
  /** A command that may have written was executed for this lane. */
  changed(lane: Lane): Promise<void>;
  /** What this lane does is done for that one. */
  standIn(lane: Lane, attempted: Lane): void;
  /** Lets commands through behind their deadline, to show what that leads to. */
  ignoreDeadlines?: boolean;
}

/** Where the server's logical clock begins, in µs. */
const BEGINNING = 1_000_000_000_000;

const writing = new Map(
  [APPEND, SAVE, DELETE, CONVERT, PRUNE].flatMap(({ sha, source }) => [
    [sha, true],
    [source, true],
  ]),
);

/**
 * The command port of a backend of the model: each command waits for its turn, and may be lost on its way there or back, or come long
 * after whoever sent it was told that there is no reply.
 *
 * Time is logical. The server's own clock cannot be set, so what a script is told of the deadline is put right when it is delivered:
 * past or to come, as it is by logical time; and the time in its reply is the logical one.
 */
export class LossyPort implements RedisCommands {
  readonly #options: LossyPortOptions;

  constructor(options: LossyPortOptions) {
    this.#options = options;
  }

  async send(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
    const { scheduler, random, rates } = this.#options;
    const { lane } = scheduler;
    if (lane === undefined) throw new Error("A command is sent outside of all lanes.");
    const { reply, request, late, unsent } = rates.current;
    const fate = random.next();
    const name = commands[0]?.[0] ?? "";
    if (fate < unsent) throw await this.#lost(`${name} is not sent`, false);
    if (fate < unsent + request) throw await this.#lost(`${name} gets lost`, true);
    if (fate < unsent + request + late) {
      this.#deliverLate(commands, lane);
      throw await this.#lost(`${name} goes astray`, true);
    }
    const replies = await scheduler.step(name, () => this.#deliver(commands, lane));
    if (fate < unsent + request + late + reply) throw await this.#lost(`the reply to ${name} gets lost`, true);
    return replies;
  }

  close(): void {
    // There is nothing of its own.
  }

  async #lost(what: string, sent: boolean): Promise<NoReply> {
    await this.#options.scheduler.step(what, () => {});
    return new NoReply(sent, new Error(what));
  }

  #deliverLate(commands: readonly RedisCommand[], lane: Lane): void {
    const { scheduler, random, standIn } = this.#options;
    const ghost = new Lane(`a ghost of ${lane.name}`);
    standIn(ghost, lane);
    ghost.frozenUntil = scheduler.time + random.below(random.pick([5, 40, 200]));
    void scheduler.run(ghost, () => scheduler.step("comes late", () => this.#deliver(commands, ghost)));
  }

  async #deliver(commands: readonly RedisCommand[], lane: Lane): Promise<readonly RedisReply[]> {
    const now = BEGINNING + this.#options.scheduler.time * STEP_MS * 1_000;
    const replies: RedisReply[] = [];
    for (const command of commands) {
      const writes = writing.has(command[1] ?? "");
      const [reply = null] = await repliesOf([this.#options.send(writes ? this.#onTime(command, now) : command)]);
      replies.push(inLogicalTime(command, reply, now));
      if (writes || command[0] === "PEXPIRE") await this.#options.changed(lane);
    }
    return replies;
  }

  /** EVALSHA sha numkeys key… deadline argument… */
  #onTime(command: RedisCommand, now: number): string[] {
    const place = 3 + Number(command[2]);
    const isLate = now > Number(command[place]) && this.#options.ignoreDeadlines !== true;
    return command.with(place, isLate ? "0" : String(Number.MAX_SAFE_INTEGER));
  }
}

function inLogicalTime([name]: RedisCommand, reply: RedisReply, now: number): RedisReply {
  if (name === "TIME") return [String(Math.floor(now / 1_000_000)), String(now % 1_000_000)];
  const isScripts = (name === "EVALSHA" || name === "EVAL") && Array.isArray(reply) && typeof reply[1] === "string";
  return isScripts ? (reply as RedisReply[]).with(1, String(now)) : reply;
}
