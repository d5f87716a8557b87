import { MemoryError, type Message, type Revision } from "@deep-agent/core";
import { continues, type Directory, type LogState, messagesOf, stateOf } from "./log-state.ts";
import type { Lane, Scheduler } from "./scheduler.ts";

/*
 * Decides whether a schedule went well. It looks at the files itself (naive-reader.ts) after each step that changed them, so
 * that it knows, for every moment, what the log was and whose step made it so. The rules:
 *
 *  1. The log changes in four ways only, and compaction is none of them: a turn is added at its end by its append, whole; a save replaces it by what was saved,
 *     whole; a delete removes it; the world puts an earlier state back. So nothing is lost, torn, mixed or reordered otherwise.
 *  2. A turn is added once: not while any message of it is there (doubled), and not after its writer was told that it is
 *     stored (doubled, or revived after a delete or a save), unless a roll-back took it. So is a save with an operation id,
 *     unless the memory was deleted since.
 *  3. A writer's turns are added in the order in which it said them, unless it has dropped the earlier one.
 *  4. What is acknowledged was true at a moment between call and answer: an append's entry stood in the log, a save had taken
 *     place, the memory was gone after a delete, what was loaded was the log.
 *  5. What is said to have failed with the outcome "not-applied" is not in the log.
 *  6. A write that expects a revision finds the log as it was at that revision. A turn refused with CONFLICT is never added.
 *  7. Nothing fails but for the faults: no CORRUPT, no error of another kind.
 *
 * What conversations show is judged in talker.ts.
 *
 * What is in flight may take effect at any moment until it has settled or its process is dead.
 *
 * An append that was told of the log that there was none (`since: null`), or nothing, is exempt from "after" in 2 and from the
 * refusal in 6: it cannot tell a memory that was deleted from one that never was. A roll-back suspends 2 and 3 for the turns
 * that it took. Of a call in the middle of which the world rolls back, 1 to 5 are not asked: it goes by names that now stand
 * for other files. Nor of one in the middle of which two days pass: the sweep relies on nobody being so slow.
 */

/** A turn that a writer has said. */
export interface SaidTurn {
  readonly name: string;
  readonly writer: string;
  /** Counts the writer's turns. */
  readonly order: number;
  readonly messages: readonly Message[];
  state: "pending" | "acknowledged" | "dropped" | "refused";
  /** A roll-back removed it. */
  rolledBack: boolean;
}

/** One call of a backend that writes. */
export interface Attempt {
  readonly kind: "append" | "save" | "delete" | "list" | "compact";
  readonly lane: Lane;
  readonly start: number;
  readonly records: readonly Message[];
  readonly operationId?: string | undefined;
  /** What an append was told of the log before the first attempt. */
  readonly since?: Revision | null | undefined;
  /** The log as the call expects it; absent: it expects nothing. */
  readonly expected?: { readonly ids: readonly string[] | null } | undefined;
  /** What it made of the log, when last it did. */
  effect?: LogState;
}

export class Checker {
  readonly violations: string[] = [];
  readonly states: LogState[];
  /** How often the log went on in another file. */
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
    return this.states.at(-1) as LogState; // there is one from the beginning
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

  /** Something happens that nobody who is in the middle of a call has to cope with. */
  disturb(): void {
    this.#disturbedAt = this.time;
  }

  /** Looks at what the step of `lane` made of the log; no lane: the world itself rolled back. */
  observe(lane: Lane | undefined): void {
    const before = this.state;
    const after = stateOf(this.#directory, this.time);
    if (lane === undefined) this.disturb();
    const attempt = lane === undefined ? undefined : this.#attempts.get(lane);
    if (sameLog(before, after)) {
      // A file that was made anew, empty or compacted: the same log in another place.
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
    // Not what another attempt has written, after this one's was removed.
    const stands = this.statesIn(effect.at).every(holds);
    if (stands) this.violation("5", `${lane.name} says that nothing was written, and it was`);
  }

  /** Whether a call may fail like that. */
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

  /** The writer was told that its turn is stored. */
  acknowledge(turn: SaidTurn, start: number): void {
    turn.state = "acknowledged";
    // What took place on the way may be gone again, with nothing to show for it.
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
      this.violation("1", `${attempt.lane.name} added something else than its turn`);
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
      if (overtaken !== undefined) this.violation("3", `${name} stands behind ${overtaken.name}`);
    }
    this.#expectRevision(attempt, before);
  }

  #expectRevision({ lane, expected }: Attempt, before: LogState): void {
    if (expected === undefined || same(expected.ids, idsOf(before))) return;
    this.violation("6", `${lane.name} expected [${expected.ids?.join(" ")}], and found [${idsOf(before)?.join(" ")}]`);
  }
}

/** An append that was told nothing of the log, or that there was none, cannot tell one that was deleted from one never made. */
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
