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
  /** Whether a rollback has happened. */
  hasRolledBack: () => boolean;
}

/*
 * Further rules, for what a conversation shows:
 *
 *  8. A sync shows a window, by its definition, of a log that existed between call and answer, with the pending turns
 *     after it: nothing is hidden, doubled or stale. A turn ceases to be pending only if it was stored.
 *  9. If a rollback removed what a conversation knew (its last sync, or turns acknowledged since), the next sync
 *     reports it. This does not hold if the rollback left another log, or no log; if a save or a delete came before
 *     that sync, and a compaction with it; or if only own turns are missing and the window is smaller than the log.
 * 10. No regression is reported unless there was a rollback.
 */

/** A conversation of the model, and the facts that are known about it. */
export class Talker {
  readonly name: string;
  readonly conversation: Conversation;
  readonly #options: TalkerOptions;
  #said = 0;
  /** The turns that may still be pending. */
  #pending: SaidTurn[] = [];
  /** The states of the log that the last sync may have seen. */
  #synced: LogState[] = [];
  /** The turns that were acknowledged since the last sync. */
  #own: SaidTurn[] = [];
  #reports = 0;
  /** The log after a rollback that has to be reported, and the number of reports before it. */
  #toNotice: { restored: LogState; reports: number; missing: readonly SaidTurn[] } | undefined;

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

  /** Says this many turns at once; only one if the writer wants each conflict to be thrown. */
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

  /** Called after a rollback. */
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
      after.entries !== null && (lost || ownLost) ? { restored: after, reports: this.#reports, missing } : undefined;
  }

  #judgeNotice(start: number): void {
    const { checker } = this.#options;
    if (this.#toNotice === undefined) return;
    const { restored, reports, missing } = this.#toNotice;
    const sawIt = start >= restored.at || this.#synced.some(({ at }) => at >= restored.at);
    if (sawIt) this.#toNotice = undefined;
    if (start < restored.at || this.#reports > reports) return;
    // An append in flight, or a save of records that were read earlier, may have brought them back, perhaps only in
    // part.
    const back = missing.some(({ messages }) => messages.some(({ id }) => checker.state.holds.has(id)));
    const goesOn = (state: LogState): boolean => continues(restored, state) && state.from <= restored.end;
    if (back || !checker.statesIn(restored.at).every((state) => state === restored || goesOn(state))) return;
    checker.violation("9", `${this.name} does not report that records which it knew are gone`);
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

  /** A flush begins with the oldest turn, and stops at the first one that fails. */
  #settle(start: number, failure: unknown): void {
    const { checker, onConflict } = this.#options;
    if (failure !== undefined) checker.explain(`${this.name}'s flush`, failure);
    const gone = this.#pending.splice(0, this.#pending.length - this.conversation.pending);
    const refused = onConflict === "throw" && MemoryError.is(failure, "CONFLICT") ? gone.pop() : undefined;
    if (refused !== undefined) refused.state = "refused";
    for (const turn of gone) checker.acknowledge(turn, start);
    this.#own.push(...gone);
  }

  /** The turns that are still pending, if the messages are the window of this log; `undefined`: they are not. */
  #pendingAfter(state: LogState, messages: readonly Message[]): { state: LogState; pending: SaidTurn[] } | undefined {
    const count = this.conversation.pending;
    const stored = messagesOf(state.entries);
    const shown = JSON.stringify(messages);
    const pending = subsets(this.#pending, count).find((some) => {
      const others = this.#pending.filter((turn) => !some.includes(turn));
      if (!others.every((turn) => turn.messages.some(({ id }) => state.holds.has(id)))) return false;
      const ahead = some.flatMap((turn) => turn.messages);
      return JSON.stringify(windowOf([...stored, ...ahead], this.#options.maxMessages)) === shown;
    });
    return pending && { state, pending };
  }
}

function subsets<T>(items: readonly T[], count: number): T[][] {
  if (count > items.length) return [];
  if (count === 0) return [[]];
  const [first, ...rest] = items as [T, ...T[]]; // there are at least `count`
  return [...subsets(rest, count - 1).map((some) => [first, ...some]), ...subsets(rest, count)];
}

function textFor(random: Random): string {
  return "x".repeat(random.chance(0.05) ? 20_000 : random.below(60));
}
