/** What one scenario counted. */
export interface Tally {
  scenario: string;
  /** How many were injected. */
  faults: number;
  /** Writes that the store said it has. */
  acknowledged: number;
  /** Acknowledged, and not there. */
  lost: number;
  /** There more than once. */
  duplicated: number;
  /** There by halves. */
  torn: number;
  /** Whatever else is not as it was written, and nobody was told. */
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
