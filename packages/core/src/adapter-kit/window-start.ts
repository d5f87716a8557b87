/** The entries of a log among which a window is looked for: those from `floor` up to and without `end`, oldest first. */
export interface EntryRange {
  floor: number;
  end: number;
}

/**
 * Where the newest whole entries begin that hold at least `last` records together, or all that there are; `last` not given: all.
 * `recordsOf` answers how many records the entry at an index holds; it is asked from the newest on, for no more than are needed.
 */
export function windowStart(
  { floor, end }: EntryRange,
  last: number | undefined,
  recordsOf: (index: number) => number,
): number {
  let from = end;
  for (let records = 0; from > floor && records < (last ?? Number.POSITIVE_INFINITY); ) {
    from -= 1;
    records += recordsOf(from);
  }
  return from;
}
