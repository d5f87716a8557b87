import { assistant, Conversation, MemoryError, type Message, tool, user } from "@deep-agent/core";
import type { Checker, SaidTurn } from "./checker.ts";
import type { Client } from "./client.ts";
import { continues, type LogState, messagesOf, windowOf } from "./log-state.ts";
import type { Random } from "./random.ts";

export interface TalkerOptions {
  name: string;
  memoryId: string;
  client: Client;
  checker: Checker;
  random: Random;
  maxMessages: number;
  onConflict: "append" | "throw";
  /** Whether retention may remove turns. */
  retention: boolean;
  /** Whether the world has put an earlier state back yet. */
  hasRolledBack: () => boolean;
}

/*
 * Further rules, for what a conversation shows:
 *
 *  8. A sync shows a window, by its definition, of a log that was there between call and answer, with the pending
 *     turns after it. No turn is hidden, doubled or stale. A turn stops being pending only if it was stored.
 *  9. If a roll-back removed turns that a conversation knew (from its last sync, or acknowledged since), the next sync
 *     reports it. There are exceptions: the roll-back left another log, or none; a save or a delete came before that
 *     sync; only own turns are missing, and the window is smaller than the log; or retention may have removed the
 *     evidence.
 * 10. No regression is reported if nothing was rolled back.
 */

/** A conversation of the model, and what it must know. */
export class Talker {
  readonly name: string;
  readonly conversation: Conversation;
  readonly #options: TalkerOptions;
  #said = 0;
  /** The turns that may still be pending. */
  #pending: SaidTurn[] = [];
  /** The logs that the last sync may have seen. */
  #synced: LogState[] = [];
  /** The turns that were acknowledged since the last sync. */
  #own: SaidTurn[] = [];
  #reports = 0;
  /** A roll-back that must be reported: the log that it left, and the number of reports before it. */
  #toNotice: { left: LogState; reports: number; missing: readonly SaidTurn[] } | undefined;

  constructor(options: TalkerOptions) {
    const { name, memoryId, client, maxMessages, onConflict, checker, hasRolledBack } = options;
    this.name = name;
    this.#options = options;
    const onRegression = (): void => {
      this.#reports += 1;
      if (!hasRolledBack()) checker.violation("10", `${name} reports a regression`);
    };
    this.conversation = new Conversation({ memoryId, backend: client, maxMessages, onConflict, onRegression });
  }

  get pending(): readonly SaidTurn[] {
    return this.#pending;
  }

  /** Says `count` turns at once, or only one if the writer wants to know of each conflict. */
  async commit(count: number): Promise<void> {
    const { checker, onConflict } = this.#options;
    const start = checker.time;
    const turns = Array.from({ length: onConflict === "throw" ? 1 : count }, () => this.#sayTurn());
    const results = await Promise.allSettled(turns.map(({ messages }) => this.conversation.commit(messages)));
    this.#settle(start, results.find((result) => result.status === "rejected")?.reason);
  }

  async flush(): Promise<void> {
    const start = this.#options.checker.time;
    let failure: unknown;
    try {
      await this.conversation.flush();
    } catch (error) {
      failure = error;
    }
    this.#settle(start, failure);
  }

  async delete(): Promise<void> {
    const { checker } = this.#options;
    try {
      await this.conversation.delete();
    } catch (error) {
      checker.explain(`${this.name}'s delete`, error);
      return;
    }
    for (const turn of this.#pending) turn.state = "dropped";
    this.#pending = [];
    this.#synced = [];
    this.#own = [];
    this.#toNotice = undefined;
  }

  async sync(): Promise<boolean> {
    const { checker } = this.#options;
    const start = checker.time;
    let messages: Message[];
    try {
      messages = await this.conversation.sync();
    } catch (error) {
      checker.explain(`${this.name}'s sync`, error);
      return false;
    }
    const shown = checker.statesIn(start).flatMap((state) => this.#pendingAfter(state, messages) ?? []);
    const first = shown[0];
    if (first === undefined) {
      checker.violation(
        "8",
        `${this.name} shows [${messages.map(({ id }) => id).join(" ")}], with ${this.conversation.pending} pending`,
      );
      return true;
    }
    for (const turn of this.#pending) if (!first.pending.includes(turn)) checker.acknowledge(turn, start);
    this.#pending = first.pending;
    this.#synced = shown.map(({ state }) => state);
    this.#own = [];
    this.#judgeNotice(start);
    return true;
  }

  /** Notes that the world has put an earlier state back. */
  rolledBack(before: LogState, after: LogState): void {
    const { maxMessages } = this.#options;
    const lost =
      this.#synced.length > 0 &&
      this.#synced.every((state) => state.entries !== null && state.epoch === after.epoch && !continues(state, after));
    const appended = new Set(
      before.entries?.filter(({ saved }) => !saved).flatMap(({ messages }) => messages.map(({ id }) => id)),
    );
    const missing = lost
      ? []
      : this.#own.filter(
          ({ messages: [message] }) =>
            message !== undefined && appended.has(message.id) && !after.holds.has(message.id),
        );
    const ownLost = missing.length > 0 && maxMessages === Number.POSITIVE_INFINITY && before.epoch === after.epoch;
    this.#toNotice =
      after.entries !== null && (lost || ownLost) && !this.#options.retention
        ? { left: after, reports: this.#reports, missing }
        : undefined;
  }

  #judgeNotice(start: number): void {
    const { checker } = this.#options;
    if (this.#toNotice === undefined) return;
    const { left, reports, missing } = this.#toNotice;
    const sawIt = start >= left.at || this.#synced.some(({ at }) => at >= left.at);
    if (sawIt) this.#toNotice = undefined;
    if (start < left.at || this.#reports > reports) return;
    // A late append, or a save of records that were read before, may have brought the missing turns back, at least in
    // part.
    const back = missing.some(({ messages }) => messages.some(({ id }) => checker.state.holds.has(id)));
    if (back || !checker.statesIn(left.at).every((state) => state === left || continues(left, state))) return;
    checker.violation("9", `${this.name} does not report that turns it knew are gone`);
  }

  #sayTurn(): SaidTurn {
    const { random, checker, name: writer } = this.#options;
    this.#said += 1;
    const name = `${writer}${this.#said}`;
    const messages: Message[] = [user(textFor(random), { id: `${name}.q`, createdAt: this.#said })];
    if (random.chance(0.2)) {
      const call = { id: `call-${name}`, name: "look", arguments: "{}" };
      messages.push(
        assistant(null, { id: `${name}.c`, createdAt: 0, toolCalls: [call] }),
        tool(call.id, "seen", { id: `${name}.r`, createdAt: 0 }),
      );
    }
    if (random.chance(0.9)) messages.push(assistant("yes", { id: `${name}.a`, createdAt: this.#said }));
    const turn: SaidTurn = { name, writer, order: this.#said, messages, state: "pending", rolledBack: false };
    checker.say(turn);
    this.#pending.push(turn);
    return turn;
  }

  /** Notes the result of a flush, which stores turns in order and stops at the first one that fails. */
  #settle(start: number, failure: unknown): void {
    const { checker, onConflict } = this.#options;
    if (failure !== undefined) checker.explain(`${this.name}'s flush`, failure);
    const gone = this.#pending.splice(0, this.#pending.length - this.conversation.pending);
    const refused = onConflict === "throw" && MemoryError.is(failure, "CONFLICT") ? gone.pop() : undefined;
    if (refused !== undefined) refused.state = "refused";
    for (const turn of gone) checker.acknowledge(turn, start);
    this.#own.push(...gone);
  }

  /** The turns that are still pending, if the shown messages are the window of that log. `undefined`: they are not. */
  #pendingAfter(state: LogState, messages: readonly Message[]): { state: LogState; pending: SaidTurn[] } | undefined {
    const count = this.conversation.pending;
    const stored = messagesOf(state.entries);
    const shown = JSON.stringify(messages);
    const pending = subsets(this.#pending, count).find((some) => {
      const others = this.#pending.filter((turn) => !some.includes(turn));
      // Turns that retention has removed were stored.
      const { retention, checker } = this.#options;
      const isStored = (id: string): boolean => state.holds.has(id) || (retention && checker.everHeld.has(id));
      if (!others.every((turn) => turn.messages.some(({ id }) => isStored(id)))) return false;
      const ahead = some.flatMap((turn) => turn.messages);
      // Messages that were read before retention removed them stay in the window.
      return suffixes(messagesOf(state.past)).some(
        (read) => JSON.stringify(windowOf([...read, ...stored, ...ahead], this.#options.maxMessages)) === shown,
      );
    });
    return pending && { state, pending };
  }
}

/** All suffixes of a list, from the empty one to the list itself. */
function suffixes<T>(items: readonly T[]): T[][] {
  return Array.from({ length: items.length + 1 }, (_, start) => items.slice(items.length - start));
}

function subsets<T>(items: readonly T[], count: number): T[][] {
  if (count > items.length) return [];
  if (count === 0) return [[]];
  const [first, ...rest] = items as [T, ...T[]]; // `items` has at least `count` items
  return [...subsets(rest, count - 1).map((some) => [first, ...some]), ...subsets(rest, count)];
}

function textFor(random: Random): string {
  return "x".repeat(random.chance(0.05) ? 20_000 : random.below(60));
}
