/** A record as the tests of the kit write it. */
export interface KitRecord {
  [key: string]: unknown;
}

/** `count` records with consecutive numbers, beginning with `from`. */
export function recordsFrom(from: number, count = 1): KitRecord[] {
  return Array.from({ length: count }, (_, index) => ({ n: from + index }));
}

/** The numbers of records that {@link recordsFrom} made. */
export function numbers(records: readonly KitRecord[] | null | undefined): unknown[] | null {
  return records?.map(({ n }) => n) ?? null;
}
