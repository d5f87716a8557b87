import { MemoryError, type Message, type Revision } from "@deep-agent/core";
import { continues, type LogState, messagesOf } from "./log-state.ts";
import type { Lane, Scheduler } from "./scheduler.ts";

/*
 * Decides whether a schedule went well. The checker reads the key itself (log-state.ts) after each step that may have
 * changed it. So it knows the log at every moment, and which step made it. The rules:
 *
 *  1. The log changes in four ways only. An append adds its whole turn at the end. A save replaces the log by all that
 *     it saves. A delete removes it. The world puts an earlier state back. So no turn is lost, torn, mixed or moved
 *     otherwise.
 *  2. A turn is added once. It is not added while any of its messages is in the log (doubled). It is not added after
 *     its writer was told that it is stored (doubled, or revived after a delete or a save), unless a roll-back removed
 *     it. A save with an operation id is made once as well, unless the memory was deleted since.
 *  3. A writer's turns are added in the order in which the writer said them, unless it has dropped the earlier turn.
 *  4. What is acknowledged was true at a moment between call and answer: an append's entry was in the log, a save had
 *     happened, the memory was gone after a delete, the loaded records were the log.
 *  5. A write that failed with the outcome "not-applied" is not in the log.
 *  6. A write that expects a revision finds the log as it was at that revision. A turn refused with CONFLICT is never
 *     added.
 *  7. Calls fail only by the simulated faults: no CORRUPT, and no error of another kind.
 *
 * talker.ts checks what conversations show.
 *
 * A command in flight may take effect at any moment until its call has settled, and not after that, whatever was lost
 * on the way.
 *
 * A roll-back suspends 2 and 3 for the turns that it removed. If the world rolls back during a call, 1 to 5 are not
 * checked for it: its names then stand for another log. Expiry of a memory counts as a delete by another client. With
 * retention, an append may remove the oldest entries, but no more than it must.
 */

/** A turn that a writer has said. */
export interface SaidTurn {
  readonly name: string;
  readonly writer: string;
  /** The number of the turn among the writer's turns. */
  readonly order: number;
  readonly messages: readonly Message[];
  state: "pending" | "acknowledged" | "dropped" | "refused";
  /** A roll-back removed it. */
  rolledBack: boolean;
}

/** One call of a backend that writes. */
export interface Attempt {
  readonly kind: "append" | "save" | "delete" | "list";
  readonly lane: Lane;
  readonly start: number;
  readonly records: readonly Message[];
  readonly operationId?: string | undefined;
  /** The `since` of an append. */
  readonly since?: Revision | null | undefined;
  /** How many records the backend keeps. `null`: all. */
  readonly maxRecords: number | null;
  /** The log that the call expects. Absent: any log. */
  readonly expected?: { readonly ids: readonly string[] | null } | undefined;
  /** The log after the last change that the call made. */
  effect?: LogState;
}

export class Checker {
  readonly violations: string[] = [];
  readonly states: LogState[];
  /** The ids of all messages that were ever in the log. */
  readonly everHeld: Set<string> = new Set();
  readonly #scheduler: Scheduler;
  readonly #turns = new Map<string, SaidTurn>();
  readonly #attempts = new Map<Lane, Attempt>();
  #disturbedAt = -1;

  constructor(scheduler: Scheduler, first: LogState) {
    this.#scheduler = scheduler;
    this.states = [first];
  }

  get state(): LogState {
    return this.states.at(-1) as LogState; // the first state is set by the constructor
  }

  get time(): number {
    return this.#scheduler.time;
  }

  say(turn: SaidTurn): void {
    for (const { id } of turn.messages) this.#turns.set(id, turn);
  }

  begin(attempt: Attempt): void {
    this.#attempts.set(attempt.lane, attempt);
  }

  /** Steps of `lane` count as steps of the attempt on `attempted`. */
  standIn(lane: Lane, attempted: Lane): void {
    const attempt = this.#attempts.get(attempted);
    if (attempt !== undefined) this.#attempts.set(lane, attempt);
  }

  violation(rule: string, detail: string): void {
    const text = `${rule}: ${detail}`;
    this.#scheduler.note(`!!! ${text}`);
    this.violations.push(text);
  }

  /** The states that the log had between two moments. */
  statesIn(from: number, to: number = this.time): LogState[] {
    const last = this.states.findLastIndex(({ at }) => at <= to);
    const first = this.states.findLastIndex(({ at }) => at <= from);
    return this.states.slice(Math.max(first, 0), last + 1);
  }

  /** Notes an event that calls in progress do not have to cope with. */
  disturb(): void {
    this.#disturbedAt = this.time;
  }

  /** Notes the log after a step of a lane, or after the world itself has changed it (`"rolled back"`, `"expired"`). */
  observe(by: Lane | "rolled back" | "expired", after: LogState): void {
    const before = this.state;
    if (by === "rolled back") this.disturb();
    if (sameLog(before, after)) return;
    this.states.push(after);
    for (const id of after.ids) this.everHeld.add(id);
    this.#scheduler.note(
      `    the log is [${after.entries === null ? "absent" : after.entries.map(labelOf).join(" ")}]`,
    );
    if (by === "rolled back") this.#rollBack(before, after);
    else if (by !== "expired") this.#change(this.#attempts.get(by), before, after);
  }

  /** Checks a write that was acknowledged. */
  succeeded(attempt: Attempt): void {
    const { kind, operationId, start, lane } = attempt;
    const between = this.statesIn(start);
    const happened = {
      append: () => between.some(({ entries }) => entries?.some((entry) => entry.operationId === operationId)),
      save: () => attempt.effect !== undefined || this.states.some(({ saves }) => saves.includes(operationId ?? "")),
      delete: () => between.some(({ entries }) => entries === null),
      list: () => true,
    };
    if (!happened[kind]() && this.#disturbedAt < start)
      this.violation("4", `${lane.name} was acknowledged, but never happened`);
  }

  failed({ kind, lane, start, effect, operationId }: Attempt, error: unknown): void {
    this.explain(lane.name, error);
    if (!MemoryError.is(error) || error.outcome !== "not-applied" || effect === undefined || this.#disturbedAt >= start)
      return;
    const holds = ({ entries }: LogState): boolean =>
      kind === "append" ? entries?.some((entry) => entry.operationId === operationId) === true : this.state === effect;
    // This attempt's effect counts only if it was never removed: afterwards, another attempt may have written.
    const stands = this.statesIn(effect.at).every(holds);
    if (stands) this.violation("5", `${lane.name} says that nothing was written, but it was`);
  }

  /** Checks that a call may fail with this error. */
  explain(name: string, error: unknown): void {
    if (MemoryError.is(error) && ["UNAVAILABLE", "CAPACITY", "CONFLICT"].includes(error.code)) return;
    this.violation(
      "7",
      `${name} failed with ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`,
    );
  }

  loaded(start: number, messages: readonly Message[] | null): void {
    const ids = messages?.map(({ id }) => id) ?? null;
    if (this.statesIn(start).some((state) => same(ids, idsOf(state)))) return;
    this.violation("4", `[${ids?.join(" ")}] was loaded, but the log was never that`);
  }

  /** The writer was told that its turn is stored. */
  acknowledge(turn: SaidTurn, start: number): void {
    turn.state = "acknowledged";
    // After a roll-back, the turn may have been stored and removed again without a trace.
    if (this.#disturbedAt >= start) turn.rolledBack = true;
    if (turn.rolledBack || this.statesIn(start).some(({ holds }) => turn.messages.some(({ id }) => holds.has(id))))
      return;
    this.violation("4", `${turn.name} was acknowledged, but is not in the log`);
  }

  #rollBack(before: LogState, after: LogState): void {
    for (const id of before.ids) {
      const turn = this.#turns.get(id);
      if (turn !== undefined && !after.holds.has(id)) turn.rolledBack = true;
    }
  }

  #change(attempt: Attempt | undefined, before: LogState, after: LogState): void {
    const { entries } = after;
    if (attempt?.kind === "delete" && entries === null) attempt.effect = after;
    else if (
      attempt?.kind === "save" &&
      entries?.every(({ saved }) => saved) &&
      sameMessages(messagesOf(entries), attempt.records.slice(-(attempt.maxRecords ?? Number.POSITIVE_INFINITY)))
    ) {
      if (this.#wasMade(attempt)) this.violation("2", `${attempt.lane.name} saves again`);
      attempt.effect = after;
      this.#expectRevision(attempt, before);
    } else if (
      attempt?.kind === "append" &&
      isOneMore(before, after, attempt.maxRecords) &&
      entries !== null &&
      entries.at(-1)?.operationId === attempt.operationId
    ) {
      attempt.effect = after;
      this.#add(attempt, before, messagesOf(entries.slice(-1)));
    } else if (this.#disturbedAt >= (attempt?.start ?? 0)) this.#rollBack(before, after);
    else
      this.violation("1", `${attempt?.lane.name} made [${idsOf(after)?.join(" ")}] of [${idsOf(before)?.join(" ")}]`);
  }

  /** Whether an earlier attempt made the save, in a log that was not deleted since. */
  #wasMade({ operationId, start }: Attempt): boolean {
    if (operationId === undefined || this.#disturbedAt >= start) return false;
    const deleted = this.states.findLastIndex(({ entries }) => entries === null);
    const since = this.states.slice(deleted + 1, -1).filter(({ at }) => at > this.#disturbedAt);
    return since.some(({ saves }) => saves.includes(operationId));
  }

  #add(attempt: Attempt, before: LogState, messages: readonly Message[]): void {
    const turn = this.#turns.get(attempt.records[0]?.id ?? "");
    if (turn === undefined || !sameMessages(messages, turn.messages)) {
      this.violation("1", `${attempt.lane.name} added something other than its turn`);
      return;
    }
    const { name, writer, order } = turn;
    const suspended = turn.rolledBack || this.#disturbedAt >= attempt.start;
    if (messages.some(({ id }) => before.holds.has(id))) this.violation("2", `${name} is doubled`);
    else if (turn.state === "acknowledged" && !suspended) this.violation("2", `${name} is revived`);
    if (turn.state === "refused") this.violation("6", `${name} was refused, but is added`);
    if (turn.state !== "dropped" && !suspended) {
      const later = before.entries
        ?.filter(({ saved }) => !saved)
        .flatMap((entry) => this.#turns.get(entry.messages[0]?.id ?? "") ?? []);
      const overtaken = later?.find((other) => other.writer === writer && other.order > order);
      if (overtaken !== undefined) this.violation("3", `${name} is after ${overtaken.name}`);
    }
    this.#expectRevision(attempt, before);
  }

  #expectRevision({ lane, expected }: Attempt, before: LogState): void {
    if (expected === undefined || same(expected.ids, idsOf(before))) return;
    this.violation("6", `${lane.name} expected [${expected.ids?.join(" ")}], and found [${idsOf(before)?.join(" ")}]`);
  }
}

function idsOf({ entries, ids }: LogState): readonly string[] | null {
  return entries === null ? null : ids;
}

function same(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return a === null || b === null ? a === b : a.length === b.length && a.every((id, index) => id === b[index]);
}

function sameMessages(a: readonly Message[], b: readonly Message[]): boolean {
  return a.length === b.length && a.every((message, index) => JSON.stringify(message) === JSON.stringify(b[index]));
}

function sameLog(before: LogState, after: LogState): boolean {
  if (before.entries === null || after.entries === null) return before.entries === after.entries;
  return (
    before.epoch === after.epoch &&
    before.dropped === after.dropped &&
    before.texts.length === after.texts.length &&
    continues(before, after)
  );
}

/** Whether an append added its entry, and removed no more of the oldest entries than it had to. */
function isOneMore(before: LogState, after: LogState, maxRecords: number | null): boolean {
  const entry = after.entries?.at(-1);
  if (entry === undefined || entry.saved) return false;
  let kept = before.entries ?? [];
  const records = (): number => messagesOf(kept).length + entry.messages.length;
  while (maxRecords !== null && kept.length > 0 && records() > maxRecords) kept = kept.slice(1);
  const ids = [...messagesOf(kept), ...entry.messages].map(({ id }) => id);
  return same(ids, after.ids);
}

function labelOf({ saved, messages }: { saved: boolean; messages: readonly Message[] }): string {
  const ids = messages.map(({ id }) => id).join(",");
  return saved ? `(${ids})` : ids;
}
