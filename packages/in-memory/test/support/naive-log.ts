import type { Note } from "./backends.ts";

/** A revision of the model: which log, and how many entries of it. */
export interface Place {
  epoch: number;
  position: number;
}

export interface NaiveSnapshot {
  records: Note[];
  revision: Place;
  start: Place | null;
  reset: boolean;
  regressed: boolean;
}

interface State {
  epoch: number;
  entries: { operationId: string; records: Note[] }[];
  saves: string[];
}

/** One memory as the contract describes it, by lists and nothing else, however slow. */
export class NaiveLog {
  #state: State | null = null;
  #epochs = 0;

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
    const sinceIsTrue = since === null ? this.#state === null : since !== undefined && this.#isTrue(since);
    let searched = entries.map((_, index) => index);
    if (since === undefined) searched = searched.slice(-64);
    else if (sinceIsTrue) searched = searched.filter((index) => index >= (since?.position ?? 0));
    const found = searched.find((index) => entries[index]?.operationId === operationId);
    if (this.#state !== null && found !== undefined) return { epoch: this.#state.epoch, position: found + 1 };
    if ((since !== undefined && !sinceIsTrue) || !this.#isExpected(expected)) return "CONFLICT";
    this.#state ??= { epoch: ++this.#epochs, entries: [], saves: [] };
    this.#state.entries.push({ operationId, records });
    return { epoch: this.#state.epoch, position: this.#state.entries.length };
  }

  save(records: Note[], operationId: string, expected: Place | null | undefined): undefined | "CONFLICT" {
    if (this.#state?.saves.includes(operationId)) return undefined;
    if (!this.#isExpected(expected)) return "CONFLICT";
    const entries = records.map((record) => ({ operationId: "of a save", records: [record] }));
    this.#state = { epoch: ++this.#epochs, entries, saves: [...(this.#state?.saves ?? []), operationId] };
    return undefined;
  }

  delete(): void {
    this.#state = null;
  }

  read(last: number | undefined, by: "since" | "before", known: Place | undefined): NaiveSnapshot | null {
    if (this.#state === null) return null;
    const { epoch, entries } = this.#state;
    const lost = known !== undefined && !this.#isTrue(known);
    const position = known === undefined || lost ? undefined : known.position;
    const asked = entries
      .map((entry, index) => ({ ...entry, index }))
      .filter(({ index }) => position === undefined || (by === "since" ? index >= position : index < position));
    const page = last === undefined ? asked : shortestSuffix(asked, last);
    const end = by === "before" && position !== undefined ? position : entries.length;
    const start = end - page.length;
    return {
      records: page.flatMap((entry) => entry.records),
      revision: { epoch, position: entries.length },
      start: start === 0 ? null : { epoch, position: start },
      reset: lost || (by === "since" && known !== undefined && page.length < asked.length),
      regressed: false,
    };
  }

  #isTrue(place: Place): boolean {
    return this.#state !== null && place.epoch === this.#state.epoch && place.position <= this.#state.entries.length;
  }

  #isExpected(expected: Place | null | undefined): boolean {
    if (expected === undefined) return true;
    if (expected === null || this.#state === null) return expected === null && this.#state === null;
    return expected.epoch === this.#state.epoch && expected.position === this.#state.entries.length;
  }
}

function shortestSuffix<E extends { records: Note[] }>(entries: E[], last: number): E[] {
  for (let count = 0; count <= entries.length; count++) {
    const suffix = entries.slice(entries.length - count);
    if (suffix.reduce((sum, entry) => sum + entry.records.length, 0) >= last) return suffix;
  }
  return entries;
}
