/** The settings that the processes of a replay get when they start. */
export interface Settings {
  /** The file of dialogues. */
  file: string;
  /** The backend's address. */
  address: string;
  /** A memory's id is this prefix and the dialogue's id. */
  prefix: string;
  model: string;
  apiKey: string;
  baseURL: string;
  /** Whether the memories are kept after the comparison. */
  keep: boolean;
}

/** The settings of this process. */
export function ownSettings(): Settings {
  return JSON.parse(process.argv[2] ?? "{}") as Settings; // as `OtherProcess` writes them
}
