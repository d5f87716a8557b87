import { type KitRecord, numbers } from "../kit-records.ts";

/** A revision of the naive log: which log it is, how many times that log was replaced, and how many entries it had. */
export interface Place {
  log: number;
  save: number;
  position: number;
}

/** How many of the newest entries are searched for an operation without `since`. */
const REACH = 64;

interface State {
  log: number;
  save: number;
  entries: { operationId: string; records: KitRecord[] }[];
  saves: Set<string>;
}

/** One memory as the contract describes it. It uses lists only, so it is slow. */
export class NaiveLog {
  #state: State | null = null;
  #logs = 0;

  records(): KitRecord[] | null {
    return this.#state?.entries.flatMap((entry) => entry.records) ?? null;
  }

  /**
   * The places after the entry. There are several if the operation was stored more than once, which is allowed for a
   * log that no longer searches that far back.
   */
  append(
    records: KitRecord[],
    operationId: string,
    since?: Place | null,
    expected?: Place | null,
  ): Place[] | "CONFLICT" {
    const entries = this.#state?.entries ?? [];
    const continues = since === null ? this.#state === null : since === undefined || this.#continues(since);
    let from = 0;
    if (since === undefined) from = Math.max(0, entries.length - REACH);
    else if (continues && since !== null) from = since.position;
    const positions = entries.flatMap((entry, index) =>
      index >= from && entry.operationId === operationId ? [index + 1] : [],
    );
    if (positions.length > 0) return positions.map((position) => ({ ...this.#head(), position }));
    if (!continues || !this.#isExpected(expected)) return "CONFLICT";
    this.#state ??= { log: ++this.#logs, save: 0, entries: [], saves: new Set() };
    this.#state.entries.push({ operationId, records });
    return [this.#head()];
  }

  /** Whether the operation is older than the entries that an append without `since` must search. */
  holdsOutOfReach(operationId: string): boolean {
    return this.#state?.entries.slice(0, -REACH).some((entry) => entry.operationId === operationId) ?? false;
  }

  save(records: KitRecord[], operationId: string, expected?: Place | null): "saved" | "CONFLICT" {
    if (this.#state?.saves.has(operationId)) return "saved";
    if (!this.#isExpected(expected)) return "CONFLICT";
    const { log, save, saves } = this.#state ?? { log: ++this.#logs, save: 0, saves: new Set<string>() };
    const entries = records.map((record) => ({ operationId: "", records: [record] }));
    this.#state = { log, save: save + 1, entries, saves: new Set([...saves, operationId]) };
    return "saved";
  }

  delete(): void {
    this.#state = null;
  }

  /** The newest entries after a place that hold `last` records. */
  read(last?: number, since?: Place): { numbers: unknown[] | null; revision: Place; reset: boolean } | null {
    if (this.#state === null) return null;
    const { entries } = this.#state;
    const lost = since !== undefined && !this.#continues(since);
    const asked = since === undefined || lost ? entries : entries.slice(since.position);
    const page = last === undefined ? asked : shortestSuffix(asked, last);
    const reset = lost || (since !== undefined && page.length < asked.length);
    return { numbers: numbers(page.flatMap((entry) => entry.records)), revision: this.#head(), reset };
  }

  #head(): Place {
    const { log = 0, save = 0, entries = [] } = this.#state ?? {};
    return { log, save, position: entries.length };
  }

  #continues({ log, save }: Place): boolean {
    return this.#state !== null && log === this.#state.log && save === this.#state.save;
  }

  #isExpected(expected?: Place | null): boolean {
    if (expected === undefined) return true;
    if (expected === null || this.#state === null) return expected === null && this.#state === null;
    return this.#continues(expected) && expected.position === this.#state.entries.length;
  }
}

function shortestSuffix<E extends { records: KitRecord[] }>(entries: readonly E[], last: number): readonly E[] {
  let held = 0;
  for (let index = entries.length - 1; index >= 0; index--) {
    held += entries[index]?.records.length ?? 0;
    if (held >= last) return entries.slice(index);
  }
  return entries;
}
