import type { Note } from "./backends.ts";

/** A revision of the model: which write of which log was the last, and how many entries the log had then. */
export interface Place {
  log: number;
  save: number;
  position: number;
}

export interface NaiveSnapshot {
  records: Note[];
  revision: Place;
  reset: boolean;
}

interface State {
  log: number;
  /** How often the log was replaced. */
  save: number;
  entries: { operationId: string; records: Note[] }[];
  saves: Set<string>;
}

/** One memory as the contract describes it, by lists and nothing else, however slow. */
export class NaiveLog {
  #state: State | null = null;
  #logs = 0;

  records(): Note[] | null {
    return this.#state?.entries.flatMap((entry) => entry.records) ?? null;
  }

  append(
    records: Note[],
    operationId: string,
    since: Place | null | undefined,
    expected: Place | null | undefined,
  ): Place | "CONFLICT" {
    const entries = this.#state?.entries ?? [];
    const continues = since === null ? this.#state === null : since === undefined || this.#continues(since);
    let from = 0;
    if (since === undefined) from = Math.max(0, entries.length - 64);
    else if (continues && since !== null) from = since.position;
    const found = entries.findLastIndex((entry, index) => index >= from && entry.operationId === operationId);
    if (this.#state !== null && found !== -1) return { ...this.#state, position: found + 1 };
    if (!continues || !this.#isExpected(expected)) return "CONFLICT";
    this.#state ??= { log: ++this.#logs, save: 0, entries: [], saves: new Set() };
    this.#state.entries.push({ operationId, records });
    return this.#head();
  }

  save(records: Note[], operationId: string, expected: Place | null | undefined): undefined | "CONFLICT" {
    if (this.#state?.saves.has(operationId)) return undefined;
    if (!this.#isExpected(expected)) return "CONFLICT";
    const { log, save, saves } = this.#state ?? { log: ++this.#logs, save: 0, saves: new Set<string>() };
    const entries = records.map((record) => ({ operationId: "", records: [record] }));
    this.#state = { log, save: save + 1, entries, saves: new Set([...saves, operationId]) };
    return undefined;
  }

  delete(): void {
    this.#state = null;
  }

  /** The newest entries with `last` records of what came after, or before, a place. */
  read(last: number | undefined, by: "since" | "before", known: Place | undefined): NaiveSnapshot | null {
    if (this.#state === null) return null;
    const { entries } = this.#state;
    const lost = known !== undefined && !this.#continues(known);
    const position = known === undefined || lost ? undefined : known.position;
    const asked =
      position === undefined ? entries : by === "since" ? entries.slice(position) : entries.slice(0, position);
    const page = last === undefined ? asked : shortestSuffix(asked, last);
    const cut = by === "since" && known !== undefined && page.length < asked.length;
    return { records: page.flatMap((entry) => entry.records), revision: this.#head(), reset: lost || cut };
  }

  #head(): Place {
    const { log = 0, save = 0, entries = [] } = this.#state ?? {};
    return { log, save, position: entries.length };
  }

  #continues({ log, save }: Place): boolean {
    return this.#state !== null && log === this.#state.log && save === this.#state.save;
  }

  #isExpected(expected: Place | null | undefined): boolean {
    if (expected === undefined) return true;
    if (expected === null || this.#state === null) return expected === null && this.#state === null;
    return this.#continues(expected) && expected.position === this.#state.entries.length;
  }
}

function shortestSuffix<E extends { records: Note[] }>(entries: E[], last: number): E[] {
  let held = 0;
  for (let index = entries.length - 1; index >= 0; index--) {
    held += entries[index]?.records.length ?? 0;
    if (held >= last) return entries.slice(index);
  }
  return entries;
}
