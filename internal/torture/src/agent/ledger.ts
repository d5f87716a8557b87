import type { Message } from "@deep-agent/core";
import { type Question, tagOf } from "./question.ts";
import { contentProblem, isThere, newTurn, type TurnRecord, wasThereSince } from "./turn-record.ts";

/** The intended effect of a write. */
export type Intent =
  | { kind: "append"; turn: TurnRecord; messages: readonly Message[]; issuedAt: number; label: string }
  | { kind: "delete" }
  | { kind: "outside" };

/** A broken promise, and the column of the tally in which it counts. */
export interface Violation {
  kind: "lost" | "duplicated" | "torn" | "silentlyWrong";
  what: string;
}

/**
 * Watches the store itself: its content before and after each write, and the turns that each write added and removed.
 */
export class Ledger {
  /** All contents of the store so far. The last one is the present content. */
  readonly states: (readonly Message[])[] = [[]];
  readonly violations: Violation[] = [];
  readonly #turns = new Map<string, TurnRecord>();
  readonly #peek: () => Promise<Message[] | null>;

  constructor(peek: () => Promise<Message[] | null>) {
    this.#peek = peek;
  }

  get turns(): TurnRecord[] {
    return [...this.#turns.values()];
  }

  /** The number of writes. */
  get now(): number {
    return this.states.length - 1;
  }

  get content(): readonly Message[] {
    return this.states[this.now] ?? [];
  }

  open(agent: string, question: Question, askedAt: number): TurnRecord {
    const turn = newTurn(agent, question, askedAt);
    this.#turns.set(question.tag, turn);
    return turn;
  }

  turn(tag: string): TurnRecord {
    const turn = this.#turns.get(tag);
    if (turn === undefined) throw new Error(`The question ${tag} was never asked.`);
    return turn;
  }

  /** The turn that is being stored: the last turn of these messages. */
  intend(messages: readonly Message[]): Extract<Intent, { kind: "append" }> {
    const begin = messages.findLastIndex(({ role, content }) => role === "user" && tagOf(content) !== undefined);
    const tag = tagOf(messages[begin]?.content);
    if (tag === undefined) throw new Error("An agent stores a turn that was never asked.");
    const turn = this.turn(tag);
    const own = messages.slice(begin);
    if (turn.messages.length === 0) {
      turn.messages = structuredClone(own);
      const problem = contentProblem(turn);
      if (problem !== undefined) this.violate("torn", `${tag} is stored with other content: ${problem}`);
    } else if (idsOf(own).join() !== idsOf(turn.messages).join()) {
      this.violate("torn", `${tag} differs between two attempts to store it`);
    }
    return { kind: "append", turn, messages: own, issuedAt: this.now, label: tag };
  }

  /** Adds a violation, but only once if it is seen repeatedly. */
  violate(kind: Violation["kind"], what: string): void {
    if (!this.violations.some((other) => other.what === what)) this.violations.push({ kind, what });
  }

  /** Writes, and judges the effect. No other write may run meanwhile. */
  async watch<T>(intent: Intent, write: () => Promise<T>): Promise<T> {
    const before = this.content;
    const [result] = await Promise.allSettled([write()]);
    const after = (await this.#peek()) ?? [];
    this.states.push(after);
    this.#judgeIntent(intent, before, after, result.status === "fulfilled");
    this.#judgeWhole(after);
    for (const turn of this.turns) this.#noteStay(turn, after);
    if (result.status === "rejected") throw result.reason;
    return result.value;
  }

  /** The turns to which these messages belong. */
  turnsIn(messages: readonly Message[]): TurnRecord[] {
    return this.turns.filter((turn) => turn.messages.some(({ id }) => messages.some((message) => message.id === id)));
  }

  /**
   * Called after the agent reported the turn as stored, in a call that began at that state. So the turn must have been
   * stored at some moment of the call, unless the agent had learned earlier that it is stored.
   */
  acknowledge(turn: TurnRecord, since: number): void {
    turn.status = "acknowledged";
    turn.acknowledgedAt = this.now;
    if (!turn.isConfirmed && !wasThereSince(turn, since))
      this.violate("lost", `${turn.question.tag} was acknowledged, but is not stored`);
  }

  #judgeIntent(intent: Intent, before: readonly Message[], after: readonly Message[], succeeded: boolean): void {
    if (intent.kind === "outside") return;
    if (intent.kind === "delete") {
      if (succeeded && after.length > 0) this.violate("silentlyWrong", "a deleted memory still exists");
      return;
    }
    const { turn, messages, issuedAt } = intent;
    const { tag } = turn.question;
    const ids = idsOf(after).join();
    if (ids === idsOf(before).join()) {
      if (succeeded && !isThere(turn)) this.violate("lost", `a write of ${tag} succeeded, but the turn is not stored`);
      return;
    }
    if (!succeeded) this.violate("silentlyWrong", `a write of ${tag} was refused, but changed the store`);
    if (ids !== idsOf([...before, ...messages]).join()) this.#judgeOdd(tag, before, after, messages);
    if (turn.status === "void") this.violate("silentlyWrong", `${tag} was given up, but is stored`);
    if (issuedAt > turn.doomedAt) this.violate("silentlyWrong", `${tag} was deleted while pending, but is stored`);
    if (issuedAt > turn.acknowledgedAt) this.violate("duplicated", `${tag} is stored again after it was acknowledged`);
  }

  #judgeOdd(tag: string, before: readonly Message[], after: readonly Message[], messages: readonly Message[]): void {
    const there = new Set(idsOf(after));
    const known = new Set(idsOf([...before, ...messages]));
    if (idsOf(before).some((id) => !there.has(id))) this.violate("lost", `a write of ${tag} removed stored messages`);
    else if (idsOf(after).some((id) => !known.has(id)))
      this.violate("silentlyWrong", `a write of ${tag} brought back other messages`);
    else if (!idsOf(messages).every((id) => there.has(id))) this.violate("torn", `${tag} is stored in part`);
    else this.violate("duplicated", `a write of ${tag} added messages that were already stored`);
  }

  /** Checks that no turn is stored twice or in part, or has other messages between its own. */
  #judgeWhole(content: readonly Message[]): void {
    for (const turn of this.turns) {
      const ids = idsOf(turn.messages);
      const places = content.flatMap(({ id }, place) => (ids.includes(String(id)) ? [place] : []));
      if (places.length === 0) continue;
      const found = places.map((place) => String(content[place]?.id));
      const { tag } = turn.question;
      if (new Set(found).size < found.length) this.violate("duplicated", `${tag} is stored twice`);
      else if (found.join() !== ids.join()) this.violate("torn", `${tag} is stored in part`);
      else if ((places.at(-1) ?? 0) - (places[0] ?? 0) !== places.length - 1) {
        this.violate("torn", `${tag} has other messages between its own`);
      }
    }
  }

  #noteStay(turn: TurnRecord, content: readonly Message[]): void {
    const id = turn.messages[0]?.id;
    const present = id !== undefined && content.some((message) => message.id === id);
    const stay = turn.stays.at(-1);
    if (present && !isThere(turn)) turn.stays.push({ from: this.now, until: null });
    if (!present && stay?.until === null) stay.until = this.now;
  }
}

function idsOf(messages: readonly Message[]): string[] {
  return messages.map(({ id }) => String(id));
}
