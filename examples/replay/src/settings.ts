/** What the processes of a replay are told when they start. */
export interface Settings {
  /** The dialogues. */
  file: string;
  /** The backend. */
  address: string;
  /** Stands before each dialogue's id in that of its memory. */
  prefix: string;
  model: string;
  apiKey: string;
  baseURL: string;
  /** Do not delete the memories after the comparison. */
  keep: boolean;
}

/** Those of this process. */
export function ownSettings(): Settings {
  return JSON.parse(process.argv[2] ?? "{}") as Settings; // as `OtherProcess` writes them
}
