import {
  type CallOptions,
  type LogCapability,
  type MemoryBackend,
  MemoryError,
  quoteId,
  type Revision,
} from "@deep-agent/core/adapter";

/** A backend that can be a primary or a secondary. */
export type LogBackend = MemoryBackend<object> & LogCapability<object>;

/** A turn that waits to be stored at the primary. */
export interface WaitingTurn {
  /** The operation id of every attempt to store it there. */
  operationId: string;
  /** What its writer knew of the primary's log; `undefined` if the writer did not say. */
  since: Revision | null | undefined;
  records: object[];
}

/** What the secondary keeps for one memory: waiting turns, in order. */
export interface Waiting {
  turns: WaitingTurn[];
  revision: Revision | null;
}

/** A turn as it is stored at the secondary, in one record. `waiting` is the version of this format. */
interface StoredTurn {
  waiting: 1;
  operationId: string;
  /** Absent if the writer did not say. */
  since?: Revision | null;
  records: object[];
}

/** The waiting turns in the secondary: one entry for each turn, under the same memory id as at the primary. */
export class Journal {
  readonly #secondary: LogBackend;

  constructor(secondary: LogBackend) {
    this.#secondary = secondary;
  }

  /** The ids of memories that may have waiting turns. */
  list(options: CallOptions): Promise<string[]> {
    return this.#secondary.list(options);
  }

  async read(memoryId: string, options: CallOptions): Promise<Waiting> {
    const snapshot = await this.#secondary.read(memoryId, options);
    if (snapshot === null) return { turns: [], revision: null };
    const turns = snapshot.records.map((record) => turnOf(memoryId, record));
    return { turns, revision: snapshot.revision };
  }

  /** Adds a turn after the others, unless it is already among the newest. */
  async add(memoryId: string, turn: WaitingTurn, options: CallOptions): Promise<void> {
    const { operationId } = turn;
    await this.#secondary.append(memoryId, [storedTurn(turn)], { operationId, ...options });
  }

  /** Keeps only these of the turns that were read, unless more have come since. Answers whether it did. */
  async keep(
    memoryId: string,
    turns: readonly WaitingTurn[],
    { revision }: Waiting,
    options: CallOptions,
  ): Promise<boolean> {
    try {
      await this.#secondary.save(memoryId, turns.map(storedTurn), { expectedRevision: revision, ...options });
      return true;
    } catch (error) {
      if (MemoryError.is(error, "CONFLICT")) return false;
      throw error;
    }
  }

  /** Deletes the memory, with all turns that wait. */
  delete(memoryId: string, options: CallOptions): Promise<void> {
    return this.#secondary.delete(memoryId, options);
  }
}

function storedTurn({ operationId, since, records }: WaitingTurn): StoredTurn {
  return { waiting: 1, operationId, records, ...(since !== undefined && { since }) };
}

function turnOf(memoryId: string, record: object): WaitingTurn {
  const { waiting, operationId, since, records } = record as Partial<StoredTurn>;
  if (waiting === 1 && typeof operationId === "string" && Array.isArray(records))
    return { operationId, since, records };
  throw new MemoryError(
    "CORRUPT",
    `Memory ${quoteId(memoryId)} of the fallback's secondary holds records other than waiting turns.`,
    {
      memoryId,
      hint: "Give the fallback a secondary that nothing else writes to.",
    },
  );
}
