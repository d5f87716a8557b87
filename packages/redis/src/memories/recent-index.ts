import {
  backendChannel,
  MemoryError,
  type RecentMemory,
  type RecentOptions,
  type RecentPage,
} from "@deep-agent/core/adapter";
import { TooLate, type Until } from "../calls/attempts.ts";
import type { Operations } from "../calls/calls.ts";
import { redisError } from "../calls/redis-error.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { parseHeader } from "../layout/header.ts";
import { indexKeyOf, keyOf } from "../layout/memory-key.ts";
import { BACKEND } from "../options/config-error.ts";
import type { MemorySettings } from "../options/redis-options.ts";
import { ENLIST, PAGE, PRUNE } from "../scripts/scripts.ts";
import { Refusal } from "../wire/failures.ts";
import { RefusedReply } from "../wire/redis-commands.ts";
import type { Listing } from "./listing.ts";

/** How many members of the index are looked at at once. */
const SMALLEST_PAGE = 16;
const LARGEST_PAGE = 1_000;

/** A member of the index. */
interface Member {
  memoryId: string;
  /** As the server has it: µs since 1970, in decimal digits. */
  score: string;
}

/** Members, by whether their memory is there. */
interface Checked {
  existing: (RecentMemory & Member)[];
  gone: Member[];
}

/** How far {@link RecentIndex.rebuild} has come. */
export interface ReindexProgress {
  /** How many memories were found and are in the index now. */
  memories: number;
  /** How many were in the index, and are gone. */
  pruned: number;
}

/** The memories by the time of their last write: a sorted set beside them, which is held against them as it is read. */
export class RecentIndex {
  readonly #scripts: ScriptRunner;
  readonly #operations: Operations;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, operations: Operations, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#operations = operations;
    this.#settings = settings;
  }

  async recent({ limit, cursor, prefix = "", signal }: RecentOptions): Promise<RecentPage> {
    const memories: (RecentMemory & Member)[] = [];
    let last = cursor === undefined ? undefined : parseCursor(cursor);
    let count = Math.min(LARGEST_PAGE, Math.max(SMALLEST_PAGE, limit + 1));
    for (;;) {
      const page = await this.#page(last?.score ?? "+inf", count, signal);
      const members = page.filter((member) => last === undefined || isBehind(member, last));
      const { existing } = await this.#checked(
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

  /**
   * Notes a write, where the script that made it could not: the index of a cluster is at another server. The write stands, whatever becomes of
   * this. `isNew`: the index grows, so that it is looked whether others are gone.
   */
  async enlist(memoryId: string, score: string, isNew: boolean, until: Until): Promise<void> {
    try {
      const members = await this.#write([memoryId, score], isNew ? "3" : "0", until);
      if (members.length > 0) await this.#checked(members, until.signal);
    } catch (error) {
      const reason = redisError(error, {
        verb: "list",
        memoryId,
        server: "the server of the index",
        writes: true,
      });
      warn(`a memory is not in the index, until it is written again: ${messageOf(reason)}`, memoryId);
    }
  }

  /** Puts all memories in that the listing finds, and takes out those that are gone. */
  async rebuild(
    listing: Listing,
    onProgress: ((progress: ReindexProgress) => void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ReindexProgress> {
    const progress = { memories: 0, pruned: 0 };
    const found = new Set<string>();
    for await (const memoryIds of listing.pages("", signal)) {
      const fresh = memoryIds.filter((memoryId) => !found.has(memoryId));
      for (let first = 0; first < fresh.length; first += LARGEST_PAGE) {
        const some = fresh.slice(first, first + LARGEST_PAGE);
        const { existing } = await this.#headers(
          some.map((memoryId) => ({ memoryId, score: "0" })),
          signal,
        );
        // What is in the index with a later time, or a finer one, keeps it.
        const args = existing.flatMap(({ memoryId, updatedAt }) => [memoryId, `${updatedAt}000`]);
        if (args.length > 0) await this.#run("rebuild the index of", signal, (until) => this.#write(args, "0", until));
        progress.memories += existing.length;
        onProgress?.({ ...progress });
      }
      for (const memoryId of fresh) found.add(memoryId);
    }
    let last: Member | undefined;
    for (let count = LARGEST_PAGE; ; ) {
      const page = await this.#page(last?.score ?? "+inf", count, signal);
      const members = page.filter((member) => last === undefined || isBehind(member, last));
      const { gone } = await this.#checked(members, signal);
      progress.pruned += gone.length;
      onProgress?.({ ...progress });
      if (page.length < count) return progress;
      if (members.length === 0) count *= 2;
      last = members.at(-1) ?? last;
    }
  }

  async #page(highest: string, count: number, signal: AbortSignal | undefined): Promise<Member[]> {
    const reply = await this.#run("list", signal, (until) =>
      this.#scripts.read(PAGE, [indexKeyOf(this.#settings)], [highest, String(count)], until),
    );
    return membersOf(reply.map(String));
  }

  /** Those whose key is there, with the time that it states; the others leave the index. */
  async #checked(members: readonly Member[], signal: AbortSignal | undefined): Promise<Checked> {
    const { existing, gone } = await this.#headers(members, signal);
    if (gone.length > 0) await this.#prune(gone);
    return { existing, gone };
  }

  async #headers(members: readonly Member[], signal: AbortSignal | undefined): Promise<Checked> {
    const existing: (RecentMemory & Member)[] = [];
    const gone: Member[] = [];
    if (members.length === 0) return { existing, gone };
    const keys = members.map(({ memoryId }) => keyOf(memoryId, this.#settings));
    const replies = await this.#run("list", signal, async (until) => {
      const answers = await this.#scripts.forEach(keys, (key) => ["LINDEX", key, "0"], until);
      const refused = answers.find((reply) => reply instanceof RefusedReply && !reply.message.startsWith("WRONGTYPE"));
      if (refused instanceof RefusedReply) throw new Refusal(refused.message, "not-applied", refused.server);
      return answers;
    });
    for (const [place, member] of members.entries()) {
      const reply = replies[place];
      const header = typeof reply === "string" ? parseHeader(reply) : undefined;
      if (header === undefined) gone.push(member);
      else existing.push({ ...member, updatedAt: header.updatedAt });
    }
    return { existing, gone };
  }

  /** Housekeeping: where it fails, the next reading does it, and this one is none the worse. */
  async #prune(gone: readonly Member[]): Promise<void> {
    try {
      await this.#operations.run(
        { verb: "prune the index", memoryId: undefined, writes: true, signal: undefined },
        async (until) => {
          const args = gone.flatMap(({ memoryId, score }) => [memoryId, score]);
          const [what] = await this.#scripts.write(PRUNE, [indexKeyOf(this.#settings)], args, until);
          if (what === "late") throw new TooLate();
        },
      );
    } catch (error) {
      warn(`${gone.length} memories that are gone are still in the index: ${messageOf(error)}`);
    }
  }

  /** Some members of the index, as many as are asked for. */
  async #write(membersAndScores: readonly string[], some: string, until: Until): Promise<Member[]> {
    const args = [some, ...membersAndScores];
    const [what, , members] = await this.#scripts.write(ENLIST, [indexKeyOf(this.#settings)], args, until);
    if (what === "late") throw new TooLate();
    return membersOf((members as readonly unknown[]).map(String));
  }

  #run<R>(verb: string, signal: AbortSignal | undefined, attempt: (until: Until) => Promise<R>): Promise<R> {
    return this.#operations.run({ verb: `${verb} memories`, memoryId: undefined, writes: false, signal }, attempt);
  }
}

function membersOf(texts: readonly string[]): Member[] {
  return texts.flatMap((memoryId, place) => (place % 2 === 0 ? [{ memoryId, score: String(texts[place + 1]) }] : []));
}

function warn(detail: string, memoryId?: string): void {
  backendChannel.publish({ type: "warning", backend: BACKEND, detail, ...(memoryId !== undefined && { memoryId }) });
}

function messageOf(error: unknown): string {
  return MemoryError.is(error) ? error.message : "unexpected error";
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
