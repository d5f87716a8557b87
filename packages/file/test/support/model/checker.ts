import { MemoryError, type Message, type Revision } from "@deep-agent/core";
import { continues, type Directory, type LogState, messagesOf, stateOf } from "./log-state.ts";
import type { Lane, Scheduler } from "./scheduler.ts";

/*
 * Decides whether a schedule was correct. After each step that changed files, it reads the files itself
 * (naive-reader.ts). So it knows for every moment what the log was, and which step made it so. The rules:
 *
 *  1. The log changes only in four ways, and a compaction does not change it. An append adds its whole turn at the end.
 *     A save replaces the log by the saved records, whole. A delete removes the log. A rollback restores an earlier
 *     state. So no turn is lost, torn, mixed or reordered in another way.
 *  2. A turn is added once: not while any of its messages is in the log (doubled), and not after it was acknowledged
 *     (doubled, or revived after a delete or a save), unless a rollback removed it. A save with an operation id is made
 *     once, too, unless the memory was deleted since.
 *  3. The turns of a writer are added in the order in which it said them, unless it has dropped the earlier one.
 *  4. An answer was true at some moment between call and answer: the entry of an append stood in the log, a save had
 *     taken place, the memory was absent after a delete, and the loaded records were the log.
 *  5. A write that failed with the outcome "not-applied" is not in the log.
 *  6. A write that expects a revision finds the log as it was at that revision. A turn refused with CONFLICT is never
 *     added.
 *  7. Calls fail only because of the faults: never with CORRUPT or an error of another kind.
 *
 * talker.ts judges what conversations show.
 *
 * A call in flight may take effect at any moment until it has settled or its process is dead.
 *
 * Rule 2 after an acknowledgement, and rule 6 for refused turns, do not hold for an append that knew of no memory
 * (`since: null`) or did not say what it knew: it cannot distinguish a deleted memory from one that never existed. A
 * rollback suspends rules 2 and 3 for the turns that it removed. Rules 1 to 5 do not hold for a call during which a
 * rollback happens, because the names that the call uses stand for other files then. Nor do they hold for a call during
 * which two days pass: the sweep relies on no call taking so long.
 */

/** A turn that a writer has said. */
export interface SaidTurn {
  readonly name: string;
  readonly writer: string;
  /** The number of the turn among those of its writer. */
  readonly order: number;
  readonly messages: readonly Message[];
  state: "pending" | "acknowledged" | "dropped" | "refused";
  /** Whether a rollback removed the turn. */
  rolledBack: boolean;
}

/** One call to a backend that writes. */
export interface Attempt {
  readonly kind: "append" | "save" | "delete" | "list" | "compact";
  readonly lane: Lane;
  readonly start: number;
  readonly records: readonly Message[];
  readonly operationId?: string | undefined;
  /** The `since` of an append: what it knew about the log before its first attempt. */
  readonly since?: Revision | null | undefined;
  /** The log that the call expects; absent: it expects nothing. */
  readonly expected?: { readonly ids: readonly string[] | null } | undefined;
  /** The log after the last change that the call made to it. */
  effect?: LogState;
}

export class Checker {
  readonly violations: string[] = [];
  readonly states: LogState[];
  /** How many times the log continued in another file. */
  compactions = 0;
  readonly #directory: Directory;
  readonly #scheduler: Scheduler;
  readonly #turns = new Map<string, SaidTurn>();
  readonly #attempts = new Map<Lane, Attempt>();
  #disturbedAt = -1;

  constructor(directory: Directory, scheduler: Scheduler) {
    this.#directory = directory;
    this.#scheduler = scheduler;
    this.states = [stateOf(directory, 0)];
  }

  get state(): LogState {
    return this.states.at(-1) as LogState; // there is always at least one
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

  /** Records that something happened which calls in flight need not survive. */
  disturb(): void {
    this.#disturbedAt = this.time;
  }

  /** Reads the log after a step of `lane`; without a lane: after a rollback. */
  observe(lane: Lane | undefined): void {
    const before = this.state;
    const after = stateOf(this.#directory, this.time);
    if (lane === undefined) this.disturb();
    const attempt = lane === undefined ? undefined : this.#attempts.get(lane);
    if (sameLog(before, after)) {
      // A new file, empty or compacted, with the same log.
      if (before.epoch !== after.epoch || before.from !== after.from) this.states.push(after);
      if (before.epoch === after.epoch && before.from < after.from) this.compactions += 1;
      return;
    }
    this.states.push(after);
    this.#scheduler.note(
      `    the log is [${after.entries === null ? "absent" : after.entries.map(labelOf).join(" ")}]`,
    );
    if (lane === undefined) this.#rollBack(before, after);
    else this.#change(attempt, before, after);
  }

  /** The backend's answer to a write. */
  succeeded(attempt: Attempt): void {
    const { kind, operationId, start, lane } = attempt;
    const between = this.statesIn(start);
    const happened = {
      append: () => between.some(({ entries }) => entries?.some((entry) => entry.operationId === operationId)),
      save: () =>
        attempt.effect !== undefined || this.states.some(({ savedBy }) => savedBy !== "" && savedBy === operationId),
      delete: () => between.some(({ entries }) => entries === null),
      list: () => true,
      compact: () => true,
    };
    if (!happened[kind]() && this.#disturbedAt < start)
      this.violation("4", `${lane.name} was acknowledged, and never took place`);
  }

  failed({ kind, lane, start, effect, operationId }: Attempt, error: unknown): void {
    this.explain(lane.name, error);
    if (!MemoryError.is(error) || error.outcome !== "not-applied" || effect === undefined || this.#disturbedAt >= start)
      return;
    const holds = ({ entries }: LogState): boolean =>
      kind === "append" ? entries?.some((entry) => entry.operationId === operationId) === true : this.state === effect;
    // An entry that another attempt wrote, after that of this attempt was removed, does not count.
    const stands = this.statesIn(effect.at).every(holds);
    if (stands) this.violation("5", `${lane.name} says that nothing was written, and it was`);
  }

  /** Records a violation unless a call may fail with this error. */
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
    this.violation("4", `[${ids?.join(" ")}] was loaded, and the log was never that`);
  }

  /** The writer got the acknowledgement of its turn. */
  acknowledge(turn: SaidTurn, start: number): void {
    turn.state = "acknowledged";
    // A turn that was stored during a disturbed call may be gone again without a trace.
    if (this.#disturbedAt >= start) turn.rolledBack = true;
    if (turn.rolledBack || this.statesIn(start).some(({ holds }) => turn.messages.some(({ id }) => holds.has(id))))
      return;
    this.violation("4", `${turn.name} was acknowledged, and is not in the log`);
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
      sameMessages(messagesOf(entries), attempt.records)
    ) {
      if (attempt.effect === undefined && this.#tookPlace(attempt))
        this.violation("2", `${attempt.lane.name} saves again`);
      attempt.effect = after;
      this.#expectRevision(attempt, before);
    } else if (
      attempt?.kind === "append" &&
      isOneMore(before, after) &&
      entries !== null &&
      entries.at(-1)?.operationId === attempt.operationId
    ) {
      attempt.effect = after;
      this.#add(attempt, before, messagesOf(entries.slice(-1)));
    } else if (this.#disturbedAt >= (attempt?.start ?? 0)) this.#rollBack(before, after);
    else
      this.violation("1", `${attempt?.lane.name} made [${idsOf(after)?.join(" ")}] of [${idsOf(before)?.join(" ")}]`);
  }

  /** Whether the save was made by an earlier attempt, in a log that was not deleted since. */
  #tookPlace({ operationId, start }: Attempt): boolean {
    if (operationId === undefined || this.#disturbedAt >= start) return false;
    const deleted = this.states.findLastIndex(({ entries }) => entries === null);
    const since = this.states.slice(deleted + 1, -1).filter(({ at }) => at > this.#disturbedAt);
    return since.some(({ savedBy }) => savedBy === operationId);
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
    else if (turn.state === "acknowledged" && !suspended && !mayComeLate(attempt))
      this.violation("2", `${name} is revived`);
    if (turn.state === "refused" && !mayComeLate(attempt)) this.violation("6", `${name} was refused, and is added`);
    if (turn.state !== "dropped" && !suspended) {
      const later = before.entries
        ?.filter(({ saved }) => !saved)
        .flatMap((entry) => this.#turns.get(entry.messages[0]?.id ?? "") ?? []);
      const overtaken = later?.find((other) => other.writer === writer && other.order > order);
      if (overtaken !== undefined) this.violation("3", `${name} stands after ${overtaken.name}`);
    }
    this.#expectRevision(attempt, before);
  }

  #expectRevision({ lane, expected }: Attempt, before: LogState): void {
    if (expected === undefined || same(expected.ids, idsOf(before))) return;
    this.violation("6", `${lane.name} expected [${expected.ids?.join(" ")}], and found [${idsOf(before)?.join(" ")}]`);
  }
}

/** Whether the append cannot distinguish a deleted memory from one that never existed. */
function mayComeLate({ since }: Attempt): boolean {
  return since === null || since === undefined;
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
  return before.epoch === after.epoch && before.end === after.end && continues(before, after);
}

function isOneMore(before: LogState, after: LogState): boolean {
  const entry = after.entries?.at(-1);
  return entry !== undefined && !entry.saved && same([...before.ids, ...entry.messages.map(({ id }) => id)], after.ids);
}

function labelOf({ saved, messages }: { saved: boolean; messages: readonly Message[] }): string {
  const ids = messages.map(({ id }) => id).join(",");
  return saved ? `(${ids})` : ids;
}
