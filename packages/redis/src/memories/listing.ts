import { type ListOptions, MAX_MEMORY_ID_BYTES, MemoryError } from "@deep-agent/core/adapter";
import type { Calls } from "../calls/calls.ts";
import type { Deadline } from "../calls/deadline.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { keyOf, patternOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { CommandRefused, ErrorReply, ListingRestarted } from "../wire/failures.ts";
import type { MasterCommands, RedisCommands, RedisReply } from "../wire/redis-commands.ts";
import { listOf, textsOf } from "../wire/replies.ts";
import { tooContended, unknownMaster } from "./memory-errors.ts";
import { doubtfulSlots, type Move, readSlots, type SlotState } from "./slot-moves.ts";

/** How many keys the server looks at for one reply of SCAN: it serves nobody else meanwhile. */
const SCANNED_AT_ONCE = 5_000;

/** Of how many slots the keys are read together. */
const SLOTS_AT_ONCE = 200;

/** How often a listing begins again after servers took each other's place, before it is given up. */
const MAX_RESTARTS = 5;

/** How often slots that are on their way are read again. */
const MAX_ROUNDS = 10;

type Server = Pick<RedisCommands, "send">;

/**
 * Which memories there are, by looking at all keys. Each page of that has the backend's deadline: the whole may well
 * take longer.
 */
export class Listing {
  readonly #scripts: ScriptRunner;
  readonly #calls: Calls;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, calls: Calls, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#calls = calls;
    this.#settings = settings;
  }

  async list({ prefix = "", signal }: ListOptions): Promise<string[]> {
    const found = new Set<string>(); // a scan may see a key twice
    for await (const memoryIds of this.pages(prefix, signal)) for (const memoryId of memoryIds) found.add(memoryId);
    return [...found];
  }

  /** The ids, some at a time; one may come twice. */
  async *pages(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<string[]> {
    const beginning = keyOf(prefix, this.#settings);
    const start = this.#settings.prefix.length;
    for await (const keys of this.#keys(beginning, signal)) {
      yield keys
        .filter((key) => key.startsWith(beginning))
        .map((key) => key.slice(start))
        // What is longer than an id can be, or nothing, is no memory's key.
        .filter((memoryId) => memoryId !== "" && Buffer.byteLength(memoryId) <= MAX_MEMORY_ID_BYTES);
    }
  }

  async *#keys(beginning: string, signal: AbortSignal | undefined): AsyncGenerator<readonly string[]> {
    const isCluster = this.#scripts.commands.masters !== undefined;
    for (let restarts = 0; ; restarts++) {
      const masters = isCluster ? await this.#masters(signal) : [];
      try {
        if (isCluster) yield* this.#ofCluster(masters, beginning, signal);
        else yield* this.#scan(undefined, beginning, signal);
        return;
      } catch (error) {
        const isAnother =
          error instanceof ListingRestarted || (isCluster && (await this.#wasReplaced(masters, error, signal)));
        if (!isAnother || restarts === MAX_RESTARTS) throw error instanceof ListingRestarted ? tooContended() : error;
      }
    }
  }

  /** Whether one that did not answer has been replaced meanwhile: it had all the time that there is. */
  async #wasReplaced(
    before: readonly MasterCommands[],
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (!MemoryError.is(error, "UNAVAILABLE")) return false;
    const now = new Set((await this.#masters(signal)).map(({ name }) => name));
    return before.some(({ name }) => !now.has(name));
  }

  /** The keys of one server. A cursor means nothing to another one, nor to the same one after a restart. */
  async *#scan(
    by: Server | undefined,
    beginning: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[]> {
    let server: string | undefined;
    let cursor = "0";
    do {
      const command = ["SCAN", cursor, "MATCH", patternOf(beginning), "COUNT", String(SCANNED_AT_ONCE)];
      let attempts = 0;
      const [next, keys] = await this.#run(signal, async (deadline) => {
        attempts += 1;
        return listOf(await this.#scripts.command(command, deadline, by && { by }));
      });
      const answered = this.#scripts.commands.serverOf?.(beginning);
      if (cursor !== "0" && (attempts > 1 || (by === undefined && answered !== server))) throw new ListingRestarted();
      server = answered;
      yield textsOf(keys);
      cursor = String(next);
    } while (cursor !== "0");
  }

  /**
   * The keys of all masters. A key that moves while they are scanned can be missed by both of its masters: the keys of
   * slots that were on their way are read once more, slot by slot, first where they come from and then where they go.
   * What goes and comes back between two readings is not seen to have moved.
   */
  async *#ofCluster(
    scanned: readonly MasterCommands[],
    beginning: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[]> {
    let masters = scanned;
    let before = await this.#slots(masters, signal);
    for (const { commands } of masters) yield* this.#scan(commands, beginning, signal);
    let doubtful: readonly Move[] | undefined;
    for (let rounds = 0; ; rounds++) {
      masters = await this.#masters(signal);
      const after = await this.#slots(masters, signal);
      doubtful = doubtfulSlots(before, after, doubtful);
      if (doubtful.length === 0) return;
      if (rounds === MAX_ROUNDS) throw tooContended();
      const names = new Set(masters.map(({ name }) => name));
      if (doubtful.some(({ from, to }) => !names.has(from) || !names.has(to))) throw unknownMaster();
      yield* this.#ofSlots(doubtful, masters, signal);
      before = after;
    }
  }

  async *#ofSlots(
    moves: readonly Move[],
    masters: readonly MasterCommands[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[]> {
    for (const end of ["from", "to"] as const) {
      for (const { name, commands } of masters) {
        const slots = moves.filter((move) => move[end] === name).map(({ slot }) => slot);
        for (let first = 0; first < slots.length; first += SLOTS_AT_ONCE) {
          const some = slots.slice(first, first + SLOTS_AT_ONCE);
          const asked = some.map((slot) => ["CLUSTER", "GETKEYSINSLOT", String(slot), "1000000000"]);
          const replies = await this.#run(signal, async ({ moment, signal: aborted }) => {
            aborted?.throwIfAborted();
            const timeoutMs = Math.max(1, moment - performance.now());
            return (await commands.send(asked, { timeoutMs, signal: aborted })).map(keysIn);
          });
          yield replies.flat();
        }
      }
    }
  }

  async #masters(signal: AbortSignal | undefined): Promise<readonly MasterCommands[]> {
    return this.#run(signal, async (deadline) => {
      const { commands } = this.#scripts;
      return (await commands.masters?.({ timeoutMs: Math.max(1, deadline.moment - performance.now()), signal })) ?? [];
    });
  }

  async #slots(masters: readonly MasterCommands[], signal: AbortSignal | undefined): Promise<SlotState> {
    const texts = masters.map(({ name, commands }) =>
      this.#run(signal, async (deadline) => {
        const text = await this.#scripts.command(["CLUSTER", "NODES"], deadline, { by: commands });
        return [name, String(text)] as const;
      }),
    );
    return readSlots(await Promise.all(texts));
  }

  #run<R>(signal: AbortSignal | undefined, attempt: (deadline: Deadline) => Promise<R>): Promise<R> {
    return this.#calls.run({ verb: "list memories", memoryId: undefined, writes: false, signal }, attempt);
  }
}

function keysIn(reply: RedisReply): readonly string[] {
  if (reply instanceof ErrorReply) throw new CommandRefused(reply.message);
  return textsOf(reply);
}
