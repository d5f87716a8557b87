/** The entries of a log in which {@link windowStart} looks for a window, by index, oldest first. */
export interface EntryRange {
  /** The index of the first entry. */
  floor: number;
  /** The index after the last entry. */
  end: number;
}

/**
 * The index at which the newest whole entries begin that together hold at least `last` records, or all of the range
 * if it holds fewer. `undefined`: all. `recordsOf` returns how many records the entry at an index holds. It is called
 * from the newest entry on, only for as many as are needed.
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
