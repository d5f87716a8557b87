import {
  invalidCursor,
  MemoryError,
  type RecentMemory,
  type RecentOptions,
  type RecentPage,
  warnOf,
} from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import type { Calls } from "../calls/calls.ts";
import type { Deadline } from "../calls/deadline.ts";
import { redisError } from "../calls/redis-error.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { parseHeader } from "../layout/header.ts";
import { indexKeyOf, keyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { ENLIST } from "../scripts/enlist.ts";
import type { IndexMember } from "../scripts/index-member.ts";
import { INDEX_PAGE } from "../scripts/index-page.ts";
import { PRUNE } from "../scripts/prune.ts";
import { CommandRefused, DeadlinePassed, ErrorReply } from "../wire/failures.ts";
import type { Listing } from "./listing.ts";

const warn = warnOf(BACKEND);

/** How many members of the index one page has. */
const MIN_PAGE = 16;
const MAX_PAGE = 1_000;

/** Members of the index, by whether their memory exists. */
interface Checked {
  existing: (RecentMemory & IndexMember)[];
  gone: IndexMember[];
}

/** How far a `reindex()` has come, or its result. */
export interface ReindexProgress {
  /** The number of memories that were found, and are in the index now. */
  memories: number;
  /** The number of memories that no longer exist, and were removed from the index. */
  pruned: number;
}

/**
 * The index: a sorted set of memories by the time of their last write. It may have members whose memory no longer
 * exists, so every member is checked when it is read.
 */
export class RecentIndex {
  readonly #scripts: ScriptRunner;
  readonly #calls: Calls;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, calls: Calls, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#calls = calls;
    this.#settings = settings;
  }

  async recent({ limit, cursor, prefix = "", signal }: RecentOptions): Promise<RecentPage> {
    const memories: (RecentMemory & IndexMember)[] = [];
    const last = cursor === undefined ? undefined : parseCursor(cursor);
    const count = Math.min(MAX_PAGE, Math.max(MIN_PAGE, limit + 1));
    for await (const members of this.#pages(last, count, signal)) {
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
    }
    return { memories: memories.map(shown), cursor: null };
  }

  /**
   * Adds a memory after a write on a cluster, where the index may be on another server. It never rejects: the write
   * stands even if this fails. `isNew`: the index grows, so a few other members are checked as well, and removed if
   * their memory no longer exists.
   */
  async enlist(member: IndexMember, isNew: boolean, deadline: Deadline): Promise<void> {
    try {
      const others = await this.#write([member], isNew ? 3 : 0, deadline);
      if (others.length > 0) await this.#checked(others, deadline.signal);
    } catch (error) {
      const { memoryId } = member;
      const index = indexKeyOf(this.#settings);
      const reason = redisError(error, { verb: "list", memoryId, writes: true, index }, "the index's server");
      warn(`a memory is missing from the index until its next write: ${messageOf(reason)}`, memoryId);
    }
  }

  /** Adds all memories that the listing finds, and removes those that no longer exist. */
  async rebuild(
    listing: Listing,
    onProgress: ((progress: ReindexProgress) => void) | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ReindexProgress> {
    const progress = { memories: 0, pruned: 0 };
    const found = new Set<string>();
    for await (const memoryIds of listing.pages("", signal)) {
      const fresh = memoryIds.filter((memoryId) => !found.has(memoryId));
      for (let first = 0; first < fresh.length; first += MAX_PAGE) {
        const some = fresh.slice(first, first + MAX_PAGE);
        const { existing } = await this.#headers(
          some.map((memoryId) => ({ memoryId, score: "0" })),
          signal,
        );
        // A member with a later or more precise time keeps it.
        const members = existing.map(({ memoryId, updatedAt }) => ({ memoryId, score: `${updatedAt}000` }));
        if (members.length > 0) {
          await this.#run("rebuild the index of", signal, (deadline) => this.#write(members, 0, deadline));
        }
        progress.memories += existing.length;
        onProgress?.({ ...progress });
      }
      for (const memoryId of fresh) found.add(memoryId);
    }
    for await (const members of this.#pages(undefined, MAX_PAGE, signal)) {
      const { gone } = await this.#checked(members, signal);
      progress.pruned += gone.length;
      onProgress?.({ ...progress });
    }
    return progress;
  }

  /** Yields the members of the index after `last`, in pages of about `count`. */
  async *#pages(
    last: IndexMember | undefined,
    count: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly IndexMember[]> {
    for (let end = last, size = count; ; ) {
      const input = { settings: this.#settings, highest: end?.score ?? "+inf", count: size };
      const page = await this.#run("list", signal, (deadline) => this.#scripts.read(INDEX_PAGE, input, deadline));
      const members = page.members.filter((member) => end === undefined || isAfter(member, end));
      yield members;
      if (page.members.length < size) return;
      // All members have the same time as the last one of the page before: a larger page gets past them.
      if (members.length === 0) size *= 2;
      end = members.at(-1) ?? end;
    }
  }

  /** Looks up the keys of members. Those whose memory no longer exists are removed from the index. */
  async #checked(members: readonly IndexMember[], signal: AbortSignal | undefined): Promise<Checked> {
    const { existing, gone } = await this.#headers(members, signal);
    if (gone.length > 0) await this.#prune(gone);
    return { existing, gone };
  }

  async #headers(members: readonly IndexMember[], signal: AbortSignal | undefined): Promise<Checked> {
    const existing: (RecentMemory & IndexMember)[] = [];
    const gone: IndexMember[] = [];
    if (members.length === 0) return { existing, gone };
    const keys = members.map(({ memoryId }) => keyOf(memoryId, this.#settings));
    const replies = await this.#run("list", signal, async (deadline) => {
      const answers = await this.#scripts.forEach(keys, (key) => ["LINDEX", key, "0"], deadline);
      const refused = answers.find((reply) => reply instanceof ErrorReply && !reply.message.startsWith("WRONGTYPE"));
      if (refused instanceof ErrorReply) throw new CommandRefused(refused.message, "not-applied", refused.server);
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

  /** Removes members. If that fails, the next reading tries again, so this call goes on. */
  async #prune(gone: readonly IndexMember[]): Promise<void> {
    const call = { verb: "prune the index", memoryId: undefined, writes: true, signal: undefined };
    try {
      await this.#calls.run(call, async (deadline) => {
        const reply = await this.#scripts.write(PRUNE, { settings: this.#settings, gone }, deadline);
        if (reply.what === "late") throw new DeadlinePassed();
      });
    } catch (error) {
      warn(`${gone.length} memories that no longer exist are still in the index: ${messageOf(error)}`);
    }
  }

  /** Adds members to the index. Resolves to `others` random members of it. */
  async #write(members: readonly IndexMember[], others: number, deadline: Deadline): Promise<readonly IndexMember[]> {
    const reply = await this.#scripts.write(ENLIST, { settings: this.#settings, members, others }, deadline);
    if (reply.what === "late") throw new DeadlinePassed();
    return reply.what === "enlisted" ? reply.others : [];
  }

  #run<R>(verb: string, signal: AbortSignal | undefined, attempt: (deadline: Deadline) => Promise<R>): Promise<R> {
    const index = indexKeyOf(this.#settings);
    return this.#calls.run({ verb: `${verb} memories`, memoryId: undefined, writes: false, signal, index }, attempt);
  }
}

function messageOf(error: unknown): string {
  return MemoryError.is(error) ? error.message : "unexpected error";
}

/** The order of the index: by time, then by the id's bytes, the greatest first. */
function isAfter(member: IndexMember, last: IndexMember): boolean {
  if (member.score !== last.score) return Number(member.score) < Number(last.score);
  return Buffer.compare(Buffer.from(member.memoryId), Buffer.from(last.memoryId)) < 0;
}

function shown({ memoryId, updatedAt }: RecentMemory): RecentMemory {
  return { memoryId, updatedAt };
}

function formatCursor({ score, memoryId }: IndexMember): string {
  return `${score}.${memoryId}`;
}

function parseCursor(cursor: unknown): IndexMember {
  const [, score, memoryId] = (typeof cursor === "string" && /^(\d{1,16})\.(.+)$/s.exec(cursor)) || [];
  if (score !== undefined && memoryId !== undefined) return { score, memoryId };
  throw invalidCursor(BACKEND);
}
