import { type ListOptions, MAX_MEMORY_ID_BYTES, MemoryError } from "@deep-agent/core/adapter";
import type { Calls } from "../calls/calls.ts";
import type { Deadline } from "../calls/deadline.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { keyOf, patternOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { CommandRefused, ErrorReply, isError, ListingRestarted } from "../wire/failures.ts";
import type { MasterCommands, RedisCommands, RedisReply } from "../wire/redis-commands.ts";
import { listOf, textsOf } from "../wire/replies.ts";
import { tooContended, unknownMaster } from "./memory-errors.ts";
import { doubtfulSlots, type Move, readSlots, type SlotState } from "./slot-moves.ts";

/** How many keys the server visits for one SCAN: some milliseconds, in which it serves no other client. */
const SCANNED_AT_ONCE = 10_000;

/** How many slots are read together. */
const SLOTS_AT_ONCE = 200;

/** How many keys are asked for their type together. */
const TYPES_AT_ONCE = 1_000;

/**
 * The types that a key of a memory may have: a list, or a string that go-deep-agent has written. A string may become a
 * list while keys are listed, but no list becomes a string: so strings are listed first.
 */
const TYPES = ["string", "list"] as const;

/** What servers, proxies and ioredis-mock say that know SCAN without its option TYPE. */
const unknownOption = /syntax error|option/i;

/** How often a listing starts again after failovers before it fails. */
const MAX_RESTARTS = 5;

/** How often moving slots are read again before the listing fails. */
const MAX_ROUNDS = 10;

type Server = Pick<RedisCommands, "send">;

/**
 * Lists memories by a scan of all keys. Each page of the scan has the backend's deadline, so that the whole may take
 * longer.
 */
export class Listing {
  readonly #scripts: ScriptRunner;
  readonly #calls: Calls;
  readonly #settings: MemorySettings;
  /** Whether SCAN may have the option TYPE, as far as is known. */
  #scansTypes = true;

  constructor(scripts: ScriptRunner, calls: Calls, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#calls = calls;
    this.#settings = settings;
  }

  async list({ prefix = "", signal }: ListOptions): Promise<string[]> {
    const found = new Set<string>(); // a scan may return a key twice
    for await (const memoryIds of this.pages(prefix, signal)) for (const memoryId of memoryIds) found.add(memoryId);
    return [...found];
  }

  /** Yields the ids, page by page. An id may come twice. */
  async *pages(prefix: string, signal: AbortSignal | undefined): AsyncGenerator<string[]> {
    const beginning = keyOf(prefix, this.#settings);
    const start = this.#settings.prefix.length;
    for await (const keys of this.#keys(beginning, signal)) {
      yield keys
        .filter((key) => key.startsWith(beginning))
        .map((key) => key.slice(start))
        // An empty text, or one that is longer than an id may be, is not the key of a memory.
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
        const isRestart =
          error instanceof ListingRestarted || (isCluster && (await this.#wasReplaced(masters, error, signal)));
        if (!isRestart || restarts === MAX_RESTARTS) throw error instanceof ListingRestarted ? tooContended() : error;
      }
    }
  }

  /** Whether another server has replaced one of these masters since, which explains that it did not answer. */
  async #wasReplaced(
    before: readonly MasterCommands[],
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    if (!MemoryError.is(error, "UNAVAILABLE")) return false;
    const now = new Set((await this.#masters(signal)).map(({ name }) => name));
    return before.some(({ name }) => !now.has(name));
  }

  /** The keys of one server that may be those of memories, by their type. */
  async *#scan(
    by: Server | undefined,
    beginning: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[]> {
    for (const type of TYPES) if (this.#scansTypes) yield* this.#scanOf(type, by, beginning, signal);
    // A server that does not know the option has refused it before it returned any key.
    if (this.#scansTypes) return;
    for await (const keys of this.#scanOf(undefined, by, beginning, signal)) {
      yield await this.#ofTypes(keys, signal, (some, deadline) =>
        this.#scripts.forEach(some, (key) => ["TYPE", key], deadline),
      );
    }
  }

  /**
   * The keys of one server that have this type, or any type. A cursor is not valid on another server, nor on the same
   * server after a restart. Ends at once if the server does not know the option TYPE.
   */
  async *#scanOf(
    type: string | undefined,
    by: Server | undefined,
    beginning: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly string[]> {
    let server: string | undefined;
    let cursor = "0";
    do {
      // TYPE comes first: ioredis-mock takes no notice of options after the second one.
      const typed = type === undefined ? [] : ["TYPE", type];
      const command = ["SCAN", cursor, ...typed, "MATCH", patternOf(beginning), "COUNT", String(SCANNED_AT_ONCE)];
      let attempts = 0;
      const page = await this.#run(signal, async (deadline) => {
        attempts += 1;
        try {
          return listOf(await this.#scripts.command(command, deadline, by && { by }));
        } catch (error) {
          const isUnknown = isError(error) && unknownOption.test(error.message);
          if (type === undefined || cursor !== "0" || !isUnknown) throw error;
          return undefined;
        }
      });
      if (page === undefined) {
        this.#scansTypes = false;
        return;
      }
      const [next, keys] = page;
      const answered = this.#scripts.commands.serverOf?.(beginning);
      if (cursor !== "0" && (attempts > 1 || (by === undefined && answered !== server))) throw new ListingRestarted();
      server = answered;
      yield textsOf(keys);
      cursor = String(next);
    } while (cursor !== "0");
  }

  /**
   * The keys of all masters. A scan can miss a key that moves meanwhile on both of its masters. So the keys of slots
   * that were moving are read again, slot by slot, first at the source and then at the target. A slot that moves away
   * and back between two readings of the cluster's state is not noticed.
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
      yield* this.#ofSlots(doubtful, masters, beginning, signal);
      before = after;
    }
  }

  async *#ofSlots(
    moves: readonly Move[],
    masters: readonly MasterCommands[],
    beginning: string,
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
          const keys = replies.flat().filter((key) => key.startsWith(beginning));
          // A key that has moved on meanwhile is at another node.
          yield await this.#ofTypes(keys, signal, (named, deadline) =>
            this.#scripts.forEach(named, (key) => ["TYPE", key], deadline),
          );
        }
      }
    }
  }

  /** Those of the keys that have one of the types of memories. */
  async #ofTypes(
    keys: readonly string[],
    signal: AbortSignal | undefined,
    typesOf: (some: readonly string[], deadline: Deadline) => Promise<readonly RedisReply[]>,
  ): Promise<string[]> {
    const found: string[] = [];
    for (let first = 0; first < keys.length; first += TYPES_AT_ONCE) {
      const some = keys.slice(first, first + TYPES_AT_ONCE);
      const types = await this.#run(signal, async (deadline) => {
        const replies = await typesOf(some, deadline);
        for (const reply of replies) if (reply instanceof ErrorReply) throw new CommandRefused(reply.message);
        return replies;
      });
      found.push(...some.filter((_, place) => TYPES.some((type) => type === types[place])));
    }
    return found;
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
