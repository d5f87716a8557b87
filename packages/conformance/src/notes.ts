/** A record of the kit's own. */
export interface Note {
  [key: string]: unknown;
}

/** `count` records that are told apart by their number, the first of which is `from`. */
export function notes(from: number, count = 1): Note[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/** The numbers of records that {@link notes} made. */
export function numbers(records: readonly Note[] | null | undefined): unknown[] | null {
  return records?.map(({ n }) => n) ?? null;
}
