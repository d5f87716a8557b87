import { assistant, Conversation, MemoryError, type Message, user } from "@deep-agent/core";
import type { RedisBackend } from "../../src/index.ts";

/** The turns of the writers, compared with the turns that are there in the end. */
export interface Ledger {
  acknowledged: number;
  /** Different turns that are there, acknowledged or not. */
  present: number;
  /** Acknowledged turns that are not there. */
  lost: number;
  duplicated: number;
  /** Messages without the other message of their turn next to them. */
  torn: number;
  /** Turns before an earlier turn of the same writer. */
  misplaced: number;
  /** How often a writer was told that the store had lost turns. */
  noticed: number;
  /** Lost turns if no writer was told. */
  lostSilently: number;
}

/** A writer of numbered turns. It retries each turn until it is acknowledged, then begins the next one. */
export class Writer {
  readonly name: string;
  readonly memoryId: string;
  readonly acknowledged: string[] = [];
  noticed = 0;
  readonly #conversation: Conversation;

  constructor(name: string, memoryId: string, backend: RedisBackend<Message>) {
    this.name = name;
    this.memoryId = memoryId;
    const onRegression = (): void => {
      this.noticed += 1;
    };
    this.#conversation = new Conversation({ memoryId, backend, maxMessages: 4, onRegression });
  }

  async write(): Promise<void> {
    const turn = `${this.name}-${this.acknowledged.length}`;
    await this.sync();
    this.#conversation.hold([user("question", { id: `${turn}.q` }), assistant("answer", { id: `${turn}.a` })]);
    await persistently(() => this.#conversation.flush());
    this.acknowledged.push(turn);
  }

  /** Reads new messages. */
  async sync(): Promise<void> {
    await persistently(() => this.#conversation.sync());
  }
}

/** Retries like an application, if the error says that this can help. */
export async function persistently<R>(call: () => Promise<R>): Promise<R> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (!MemoryError.is(error) || !error.retryable || tries === 100) throw error;
    }
  }
}

/** The ledger of one memory. */
export function ledgerOf(writers: readonly Writer[], messages: readonly Message[]): Ledger {
  const ids = messages.map(({ id }) => id);
  const places = new Map<string, number>();
  let [torn, duplicated] = [0, 0];
  for (let place = 0; place < ids.length; place++) {
    const [turn = "", part] = ids[place]?.split(".") ?? [];
    if (part !== "q" || ids[place + 1] !== `${turn}.a`) {
      torn += 1;
      continue;
    }
    if (places.has(turn)) duplicated += 1;
    places.set(turn, place);
    place += 1;
  }
  const acknowledged = writers.flatMap((writer) => writer.acknowledged);
  const misplaced = writers.flatMap((writer) => {
    const own = writer.acknowledged.flatMap((turn) => places.get(turn) ?? []);
    return own.filter((place, index) => place < (own[index - 1] ?? 0));
  });
  const lost = acknowledged.filter((turn) => !places.has(turn)).length;
  const noticed = writers.reduce((sum, writer) => sum + writer.noticed, 0);
  return {
    acknowledged: acknowledged.length,
    present: places.size,
    lost,
    duplicated,
    torn,
    misplaced: misplaced.length,
    noticed,
    lostSilently: noticed > 0 ? 0 : lost,
  };
}

/** The sum of the ledgers of at least one memory. */
export function sumOf([first, ...others]: readonly Ledger[]): Ledger {
  const sum = { ...first } as Ledger; // there is at least one ledger
  for (const one of others) {
    for (const name of Object.keys(sum) as (keyof Ledger)[]) sum[name] += one[name]; // a ledger has no other keys
  }
  return sum;
}

/** Prints the ledger in one line. */
export function say(what: string, ledger: Ledger): void {
  const counts = Object.entries(ledger).map(([name, count]) => `${name} ${count}`);
  process.stdout.write(`${what}: ${counts.join(", ")}\n`);
}
