/** Where a writer's process writes. It is started with this. */
export interface Place {
  /** The backend's address. */
  address: string;
  memoryId: string;
}

/**
 * Sent to a writer when it is ready: the turns that it writes one after another, until it is killed or asked to stop.
 */
export interface Assignment {
  series: string;
  /** The number of the first turn. */
  from: number;
  /** A turn of another size, in bytes, which takes so long that a kill can fall into it. `null`: no such turn. */
  large: { turn: number; bytes: number } | null;
  /** The pause between two turns, in ms, for the time that a model takes to answer. 0: no pause. */
  pauseMs: number;
}
