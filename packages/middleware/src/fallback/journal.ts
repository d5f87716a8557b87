import {
  type CallOptions,
  type LogCapability,
  type MemoryBackend,
  MemoryError,
  quoteId,
  type Revision,
} from "@deep-agent/core/adapter";

/** A backend that can keep turns for another one, or have them kept. */
export type LogBackend = MemoryBackend<object> & LogCapability<object>;

/** A turn that waits to be stored at the primary. */
export interface WaitingTurn {
  /** Under which it was, and will be, tried there. */
  operationId: string;
  /** What its writer knew of the primary's log; `undefined`: nothing was said of it. */
  since: Revision | null | undefined;
  records: object[];
}

/** What the secondary keeps of one memory: turns, in order. */
export interface Waiting {
  turns: WaitingTurn[];
  revision: Revision | null;
}

/** How a turn is stored at the secondary, as one record. `waiting` is the version of this format. */
interface StoredTurn {
  waiting: 1;
  operationId: string;
  /** Absent: nothing was said of it. */
  since?: Revision | null;
  records: object[];
}

/** Turns that the primary was not there for, in the secondary: under each memory's own id one entry for each turn. */
export class Journal {
  readonly #secondary: LogBackend;

  constructor(secondary: LogBackend) {
    this.#secondary = secondary;
  }

  /** The memories of which turns may wait. */
  list(options: CallOptions): Promise<string[]> {
    return this.#secondary.list(options);
  }

  async read(memoryId: string, options: CallOptions): Promise<Waiting> {
    const snapshot = await this.#secondary.read(memoryId, options);
    if (snapshot === null) return { turns: [], revision: null };
    const turns = snapshot.records.map((record) => turnOf(memoryId, record));
    return { turns, revision: snapshot.revision };
  }

  /** Adds a turn after the others, unless it is one of the newest already. */
  async add(memoryId: string, turn: WaitingTurn, options: CallOptions): Promise<void> {
    const { operationId } = turn;
    await this.#secondary.append(memoryId, [storedTurn(turn)], { operationId, ...options });
  }

  /** Keeps these turns alone of what was read, unless more has come since; answers whether it did. */
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

  /** Takes away the memory, whatever waits. */
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
    `Memory ${quoteId(memoryId)} of the fallback's secondary holds something else than turns that wait.`,
    {
      memoryId,
      hint: "Give the fallback a secondary of its own.",
    },
  );
}
