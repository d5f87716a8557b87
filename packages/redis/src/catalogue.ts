import {
  backendChannel,
  type ListOptions,
  MAX_MEMORY_ID_BYTES,
  MemoryError,
  type RecentMemory,
  type RecentOptions,
  type RecentPage,
} from "@deep-agent/core";
import type { Until } from "./attempts.ts";
import { TooLate } from "./attempts.ts";
import { parseHeader } from "./header.ts";
import { indexKeyOf, keyOf, patternOf } from "./memory-key.ts";
import type { Operations } from "./operations.ts";
import { RefusedReply } from "./redis-commands.ts";
import { BACKEND } from "./redis-error.ts";
import type { MemorySettings } from "./redis-options.ts";
import { Refusal, type ScriptRunner } from "./script-runner.ts";
import { PAGE, PRUNE } from "./scripts.ts";

/** How many keys the server looks at for one reply of SCAN: it serves nobody else meanwhile. */
const SCANNED_AT_ONCE = 5_000;

/** How many members of the index are looked at at once. */
const SMALLEST_PAGE = 16;
const LARGEST_PAGE = 1_000;

/** A member of the index. */
interface Member {
  memoryId: string;
  /** As the server has it: µs since 1970, in decimal digits. */
  score: string;
}

/** Which memories there are: all of them by SCAN, or the newest by the index. */
export class Catalogue {
  readonly #scripts: ScriptRunner;
  readonly #operations: Operations;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, operations: Operations, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#operations = operations;
    this.#settings = settings;
  }

  /** Each page of the scan has the backend's deadline: the whole may well take longer. */
  async list({ prefix = "", signal }: ListOptions): Promise<string[]> {
    const pattern = patternOf(keyOf(prefix, this.#settings));
    const start = this.#settings.prefix.length;
    // A scan may see a key twice.
    const found = new Set<string>();
    let cursor = "0";
    do {
      const command = ["SCAN", cursor, "MATCH", pattern, "COUNT", String(SCANNED_AT_ONCE)];
      const [next, keys] = await this.#run("list", signal, async (until) => {
        const reply = await this.#scripts.command(command, until);
        return reply as readonly [string, readonly string[]]; // as SCAN answers
      });
      for (const key of keys) {
        const memoryId = key.slice(start);
        // What is longer than an id can be, or nothing, is no memory's key.
        if (memoryId !== "" && Buffer.byteLength(memoryId) <= MAX_MEMORY_ID_BYTES) found.add(memoryId);
      }
      cursor = next;
    } while (cursor !== "0");
    return [...found];
  }

  async recent({ limit, cursor, prefix = "", signal }: RecentOptions): Promise<RecentPage> {
    const memories: (RecentMemory & Member)[] = [];
    let last = cursor === undefined ? undefined : parseCursor(cursor);
    let count = Math.min(LARGEST_PAGE, Math.max(SMALLEST_PAGE, limit + 1));
    for (;;) {
      const page = await this.#page(last?.score ?? "+inf", count, signal);
      const members = page.filter((member) => last === undefined || isBehind(member, last));
      const existing = await this.#existing(
        members.filter(({ memoryId }) => memoryId.startsWith(prefix)),
        signal,
      );
      for (const memory of existing) {
        const end = memories.at(-1);
        if (end !== undefined && memories.length === limit)
          return { memories: memories.map(shown), cursor: formatCursor(end) };
        memories.push(memory);
      }
      if (page.length < count) return { memories: memories.map(shown), cursor: null };
      // Where all have the time of the one that the page before ended with, a larger page gets past them.
      if (members.length === 0) count *= 2;
      last = members.at(-1) ?? last;
    }
  }

  async #page(highest: string, count: number, signal: AbortSignal | undefined): Promise<Member[]> {
    const reply = await this.#run("list", signal, (until) =>
      this.#scripts.script(PAGE, [indexKeyOf(this.#settings)], [highest, String(count)], until),
    );
    return reply.flatMap((text, place) =>
      place % 2 === 0 ? [{ memoryId: String(text), score: String(reply[place + 1]) }] : [],
    );
  }

  /** Those whose key is there, with the time that it states; the others leave the index. */
  async #existing(members: readonly Member[], signal: AbortSignal | undefined): Promise<(RecentMemory & Member)[]> {
    if (members.length === 0) return [];
    const replies = await this.#run("list", signal, (until) => {
      const commands = members.map(({ memoryId }) => ["LINDEX", keyOf(memoryId, this.#settings), "0"]);
      return this.#scripts.together(commands, until);
    });
    const existing: (RecentMemory & Member)[] = [];
    const gone: Member[] = [];
    for (const [place, member] of members.entries()) {
      const reply = replies[place];
      if (reply instanceof RefusedReply && !reply.message.startsWith("WRONGTYPE")) {
        await this.#run("list", signal, () => Promise.reject(new Refusal(reply.message)));
      }
      const header = typeof reply === "string" ? parseHeader(reply) : undefined;
      if (header === undefined) gone.push(member);
      else existing.push({ ...member, updatedAt: header.updatedAt });
    }
    if (gone.length > 0) await this.#prune(gone);
    return existing;
  }

  /** Housekeeping: where it fails, the next reading does it, and this one is none the worse. */
  async #prune(gone: readonly Member[]): Promise<void> {
    try {
      await this.#operations.run(
        { verb: "prune the index", memoryId: undefined, writes: true, signal: undefined },
        async (until) => {
          const args = gone.flatMap(({ memoryId, score }) => [memoryId, score]);
          const deadline = await this.#scripts.deadline(until);
          const [what] = await this.#scripts.script(PRUNE, [indexKeyOf(this.#settings)], [deadline, ...args], until);
          if (what === "late") throw new TooLate();
        },
      );
    } catch (error) {
      const detail = `${gone.length} memories that are gone are still in the index: ${MemoryError.is(error) ? error.message : "unexpected error"}`;
      backendChannel.publish({ type: "warning", backend: BACKEND, detail });
    }
  }

  #run<R>(verb: string, signal: AbortSignal | undefined, attempt: (until: Until) => Promise<R>): Promise<R> {
    return this.#operations.run({ verb: `${verb} memories`, memoryId: undefined, writes: false, signal }, attempt);
  }
}

/** In the order of the index: by time, and where that is the same by the id's bytes, the greatest first. */
function isBehind(member: Member, last: Member): boolean {
  if (member.score !== last.score) return Number(member.score) < Number(last.score);
  return Buffer.compare(Buffer.from(member.memoryId), Buffer.from(last.memoryId)) < 0;
}

function shown({ memoryId, updatedAt }: RecentMemory): RecentMemory {
  return { memoryId, updatedAt };
}

function formatCursor({ score, memoryId }: Member): string {
  return `${score}.${memoryId}`;
}

function parseCursor(cursor: unknown): Member {
  const [, score, memoryId] = (typeof cursor === "string" && /^(\d{1,16})\.(.+)$/s.exec(cursor)) || [];
  if (score !== undefined && memoryId !== undefined) return { score, memoryId };
  throw new MemoryError("INVALID_ARGUMENT", "`cursor` must be the cursor of the page before.", { backend: BACKEND });
}
