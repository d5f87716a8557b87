/** The counts of one scenario. */
export interface Tally {
  scenario: string;
  /** Injected faults. */
  faults: number;
  /** Writes that the store acknowledged. */
  acknowledged: number;
  /** Acknowledged, but missing. */
  lost: number;
  /** Stored more than once. */
  duplicated: number;
  /** Stored in part. */
  torn: number;
  /** Everything else that differs from what was written, without an error or a warning. */
  silentlyWrong: number;
}

/** A scenario in which nothing has happened yet. */
export function newTally(scenario: string): Tally {
  return { scenario, faults: 0, acknowledged: 0, lost: 0, duplicated: 0, torn: 0, silentlyWrong: 0 };
}

/** Whether all promises were kept. */
export function isClean({ lost, duplicated, torn, silentlyWrong }: Tally): boolean {
  return lost === 0 && duplicated === 0 && torn === 0 && silentlyWrong === 0;
}
