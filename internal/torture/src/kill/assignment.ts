/** What a writer's process is started with: where it writes. */
export interface Place {
  /** Of the backend. */
  address: string;
  memoryId: string;
}

/** What it is told once it is ready: whose turns it writes, one after the other, until it is killed or told to stop. */
export interface Assignment {
  series: string;
  /** The number of its first turn. */
  from: number;
  /** One turn of another size, in bytes, which takes long enough to be killed within; `null`: none. */
  large: { turn: number; bytes: number } | null;
  /** How long it is between two turns, in ms: a model has to answer, too. 0: no time at all. */
  pauseMs: number;
}
