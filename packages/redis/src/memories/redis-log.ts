import {
  type AppendOptions,
  type CallOptions,
  type MemoryInfo,
  newId,
  type ReadOptions,
  type Revision,
  type SaveOptions,
  type Snapshot,
} from "@deep-agent/core/adapter";
import { TooLate, type Until } from "../calls/attempts.ts";
import type { Operations } from "../calls/calls.ts";
import { conflict, damaged, foreign } from "../calls/redis-error.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { EntryDensity } from "../layout/entry-density.ts";
import { parseHeader } from "../layout/header.ts";
import { keyOf, writtenKeys } from "../layout/memory-key.ts";
import { formatRevision } from "../layout/revision.ts";
import type { MemorySettings } from "../options/redis-options.ts";
import { APPEND, CONVERT, DELETE, INFO, PEEK, READ, SAVE, type Script, TOUCH } from "../scripts/scripts.ts";
import { Refusal } from "../wire/failures.ts";
import type { RedisReply } from "../wire/redis-commands.ts";
import { convertedEntries, convertedInfo, convertValue, readConverted } from "./go-deep-agent.ts";
import { type LogPart, newestOf, snapshotOf, wholeLog } from "./log-slice.ts";
import type { RecentIndex } from "./recent-index.ts";

type Reply = readonly RedisReply[];

/** What a call saw under a key, so that it can name it. */
interface Sight {
  /** An epoch, {@link NOTHING}, or a word for what has no epoch. */
  name: string;
  /** When the log was created, in ms since 1970. */
  created?: string;
}

/** The name of what a call saw where there was no memory. */
const NOTHING = "-";

/** The logs of all memories, by the scripts. */
export class RedisLog<T extends object> {
  readonly #scripts: ScriptRunner;
  readonly #operations: Operations;
  readonly #index: RecentIndex;
  readonly #settings: MemorySettings;
  readonly #density = new EntryDensity();

  constructor(scripts: ScriptRunner, operations: Operations, index: RecentIndex, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#operations = operations;
    this.#index = index;
    this.#settings = settings;
  }

  append(memoryId: string, texts: readonly string[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    // Where the log is named, an attempt that comes late finds its entry there, or another log. Where it is not, it would be the
    // first entry of a memory that was deleted meanwhile.
    const repeatable = (): boolean => typeof since === "string" || typeof expectedRevision === "string";
    return this.#operations.run(
      { verb: "append to", memoryId, writes: true, signal, repeatable },
      async (until, again) => {
        const known = since === undefined && again ? "*" : encoded(since);
        // A new one each time: a log that another attempt made may have been deleted since.
        const epoch = newId();
        const args = [
          operationId,
          `[${texts.join(",")}]`,
          String(texts.length),
          known,
          encoded(expectedRevision),
          epoch,
        ];
        args.push(this.#ttl, String(this.#settings.maxRecords ?? 0), memoryId);
        const written = await this.#write(
          APPEND,
          memoryId,
          args,
          until,
          ([what, , logEpoch, position, at, refusal]) => {
            if (what === "conflict") throw conflict(memoryId);
            if (what === "found") this.#checkPropagated(refusal);
            return what === "appended" || what === "found" ? { logEpoch, position, at } : undefined;
          },
        );
        const [position, at] = [Number(written.position), String(written.at)];
        await this.#enlist(memoryId, at, position === 1, until);
        return formatRevision(String(written.logEpoch), position, at);
      },
    );
  }

  async save(memoryId: string, texts: readonly string[], options: SaveOptions): Promise<void> {
    const { operationId, expectedRevision, signal } = options;
    const epochs: string[] = [];
    const kept = texts.slice(-(this.#settings.maxRecords ?? texts.length) || texts.length);
    const dropped = String(texts.length - kept.length);
    // A save that names the log which it replaces does nothing if it comes late. Without a log, it would make one.
    let seen: string | undefined = expectedRevision === undefined ? undefined : "";
    const repeatable = (): boolean => seen !== NOTHING && expectedRevision !== null;
    await this.#operations.run({ verb: "save", memoryId, writes: true, signal, repeatable }, async (until) => {
      for (;;) {
        seen ??= (await this.#peek(memoryId, until)).name;
        epochs.push(newId());
        const known = [epochs.join(" "), operationId ?? "", seen, encoded(expectedRevision)];
        const args = [...known, this.#ttl, memoryId, dropped, ...kept];
        const [saved, now] = await this.#write(SAVE, memoryId, args, until, (reply) => {
          if (reply[0] === "conflict") throw conflict(memoryId);
          if (reply[0] === "saved") this.#checkPropagated(reply[2]);
          return reply[0] === "saved" || reply[0] === "other" ? reply : undefined;
        });
        if (saved === "saved") return this.#enlist(memoryId, String(now), seen === NOTHING, until);
        seen = undefined;
      }
    });
  }

  async delete(memoryId: string, { signal }: CallOptions): Promise<void> {
    let seen: Sight | undefined;
    await this.#operations.run({ verb: "delete", memoryId, writes: true, signal }, async (until, again) => {
      for (;;) {
        seen ??= await this.#peek(memoryId, until);
        // What was taken away before, by this call or by one that it repeats, replicas may still have.
        if (seen.name === NOTHING && !this.#scripts.waits) return;
        const args = [seen.name, memoryId, this.#scripts.waits ? "propagate" : ""];
        const reply = await this.#scripts.write(DELETE, writtenKeys(memoryId, this.#settings), args, until);
        const [what, , reason] = reply;
        if (what === "deleted" || what === "absent") return;
        if (what === "unlisted") throw new Refusal(String(reason), "applied");
        if (what !== "other") throw this.#problem(memoryId, reply);
        const now = await this.#peek(memoryId, until);
        // A save keeps the time of the creation. Where that is another, the memory was gone in between: by an earlier attempt, it may
        // be, and then what is there now came after.
        if (again && seen.created !== undefined && seen.created !== now.created) return;
        seen = now;
      }
    });
  }

  async load(memoryId: string, { signal }: CallOptions): Promise<T[] | null> {
    return (await this.#whole(memoryId, signal))?.records ?? null;
  }

  read(memoryId: string, options: ReadOptions): Promise<Snapshot<T> | null> {
    const { last, since, before, signal } = options;
    if (last === undefined && since === undefined && before === undefined) return this.#whole(memoryId, signal);
    const { isCluster } = this.#settings;
    // Of a cluster, the commands may be sent on to different nodes, and an ASK is for one alone.
    const isPlain = !isCluster && !this.#readsReplicas && since === undefined && before === undefined;
    return this.#operations.run({ verb: "read", memoryId, writes: false, signal }, async (until) => {
      const window = isPlain && last !== undefined ? await this.#window(memoryId, last, until) : undefined;
      if (window !== undefined) return window;
      const some = await this.#part(memoryId, options, "", until);
      // Where the newest entries hold fewer records than the others, they are too few.
      return some === undefined ? ((await this.#part(memoryId, options, "all", until)) ?? null) : some;
    });
  }

  info(memoryId: string, { signal }: CallOptions): Promise<MemoryInfo | null> {
    return this.#operations.run({ verb: "look at", memoryId, writes: false, signal }, async (until) => {
      for (;;) {
        const reply = await this.#scripts.read(INFO, [keyOf(memoryId, this.#settings)], [], until, this.#readsReplicas);
        const [what, now, header, toLive, bytes] = reply;
        if (what === "absent") return null;
        const kept = {
          bytes: Number(bytes),
          expiresAt: Number(toLive) < 0 ? null : Math.floor(Number(now) / 1000) + Number(toLive),
        };
        if (what === "log") {
          const { records, createdAt, updatedAt } = headerOf(memoryId, String(header));
          return { records, createdAt, updatedAt, ...kept };
        }
        if (what !== "foreign" || header !== "string") throw this.#problem(memoryId, reply);
        const value = await this.#value(memoryId, until);
        if (value === null) return null;
        if (value !== undefined) return { ...convertedInfo(memoryId, value), ...kept };
      }
    });
  }

  async touch(memoryId: string, { signal }: CallOptions): Promise<void> {
    await this.#operations.run({ verb: "renew", memoryId, writes: true, signal }, async (until) => {
      for (let seen = ""; ; ) {
        const reply = await this.#scripts.write(TOUCH, [keyOf(memoryId, this.#settings)], [this.#ttl, seen], until);
        const [what, , type] = reply;
        if (what === "renewed" || what === "absent") return;
        if (what !== "foreign" || type !== "string" || seen !== "") throw this.#problem(memoryId, reply);
        const value = await this.#value(memoryId, until);
        // Throws where it is no value of go-deep-agent.
        if (value) convertedInfo(memoryId, value);
        if (value !== undefined) seen = "string";
      }
    });
  }

  get #readsReplicas(): boolean {
    return this.#settings.reads === "replica";
  }

  get #ttl(): string {
    return String(this.#settings.ttl ?? 0);
  }

  /** Where the script that wrote a memory could not write the index as well. */
  async #enlist(memoryId: string, at: string, isNew: boolean, until: Until): Promise<void> {
    const { index, isCluster } = this.#settings;
    if (index && isCluster) await this.#index.enlist(memoryId, at, isNew, until);
  }

  /** All of it: a plain command, since there is nothing to judge. */
  #whole(memoryId: string, signal: AbortSignal | undefined): Promise<Snapshot<T> | null> {
    const key = keyOf(memoryId, this.#settings);
    return this.#operations.run({ verb: "read", memoryId, writes: false, signal }, async (until) => {
      try {
        const command = ["LRANGE", key, "0", "-1"];
        const options = { key, readOnly: this.#readsReplicas };
        const elements = (await this.#scripts.command(command, until, options)) as readonly string[];
        const [header] = elements;
        if (header === undefined) return null;
        return snapshotOf<T>(memoryId, wholeLog(headerOf(memoryId, header), elements.slice(1)), {}) ?? null;
      } catch (error) {
        if (!isWrongType(error)) throw error;
        return (await this.#part(memoryId, {}, "", until)) ?? null;
      }
    });
  }

  /**
   * The newest records by plain commands: through a script's hands, each KB costs as much as a command. `undefined`: they do not say; the
   * log was written in between, it is none of ours, or more entries than usual are needed.
   */
  async #window(memoryId: string, last: number, until: Until): Promise<Snapshot<T> | null | undefined> {
    const key = keyOf(memoryId, this.#settings);
    const count = this.#density.entriesFor(last);
    const commands = [
      ["LINDEX", key, "0"],
      ["LLEN", key],
      // One more, which tells where they begin.
      ["LRANGE", key, String(-count - 1), "-1"],
      ["LINDEX", key, "0"],
    ];
    const [text, length, elements, textThen] = await this.#scripts.together(key, commands, until);
    if (text === null && textThen === null) return null;
    const header = typeof text === "string" && text === textThen ? parseHeader(text) : undefined;
    // Some clients are told to make text of numbers.
    const entries = Number(length) - 1;
    if (header === undefined || !Number.isSafeInteger(entries) || !isTexts(elements)) return undefined;
    // With each write its header changes: what came between two that are the same is of one log.
    const part = newestOf(header, entries, count, elements);
    if (part === undefined) return undefined;
    const snapshot = snapshotOf<T>(memoryId, part, { last });
    this.#density.note(snapshot === undefined ? 1 : header.records / entries);
    return snapshot;
  }

  /** `undefined`: too few entries came. With the mode `"all"`, they are always enough. */
  async #part(
    memoryId: string,
    options: ReadOptions,
    mode: "" | "all",
    until: Until,
  ): Promise<Snapshot<T> | null | undefined> {
    const { last, since = "", before = "" } = options;
    const args = [last === undefined ? "" : String(last), since, before, mode];
    // A replica that lags behind would make what was read before look as if it had been lost.
    const readOnly = this.#readsReplicas && since === "" && before === "";
    const reply = await this.#scripts.read(READ, [keyOf(memoryId, this.#settings)], args, until, readOnly);
    const [what, , header, position, at, verdict, floor, from, atBefore, entries] = reply;
    if (what === "absent") return null;
    if (what === "foreign" && header === "string") return this.#converted(memoryId, options, until);
    if (what !== "log") throw this.#problem(memoryId, reply);
    const part = {
      header: headerOf(memoryId, String(header)),
      position: Number(position),
      at: String(at),
      verdict: verdict as LogPart["verdict"], // as the script says them
      floor: Number(floor),
      from: Number(from),
      atBefore: String(atBefore),
      entries: entries as readonly string[],
    };
    return snapshotOf<T>(memoryId, part, options);
  }

  /** What a value of go-deep-agent would be as a log. */
  async #converted(memoryId: string, options: ReadOptions, until: Until): Promise<Snapshot<T> | null | undefined> {
    const value = await this.#value(memoryId, until);
    if (value === undefined) return this.#part(memoryId, options, "all", until);
    // Its messages are what every log of T is taken to hold.
    return value === null ? null : (readConverted(memoryId, value, options) as Snapshot<object> as Snapshot<T>);
  }

  async #peek(memoryId: string, until: Until): Promise<Sight> {
    const reply = await this.#scripts.read(PEEK, [keyOf(memoryId, this.#settings)], [], until);
    const [what, , name, created] = reply;
    if (what === "log") return { name: String(name), created: String(created) };
    if (what === "absent") return { name: NOTHING };
    if (what === "damaged") return { name: "!damaged" };
    if (name === "string") return { name: "!string" };
    throw this.#problem(memoryId, reply);
  }

  /** Runs a script that writes, until it answers what can be `taken`; a value of go-deep-agent is converted first. */
  async #write<R>(
    script: Script,
    memoryId: string,
    args: readonly string[],
    until: Until,
    taken: (reply: Reply) => R | undefined,
  ): Promise<R> {
    for (;;) {
      const reply = await this.#scripts.write(script, writtenKeys(memoryId, this.#settings), args, until);
      const result = taken(reply);
      if (result !== undefined) return result;
      if (reply[0] !== "foreign" || reply[2] !== "string") throw this.#problem(memoryId, reply);
      await this.#convert(memoryId, until);
    }
  }

  async #convert(memoryId: string, until: Until): Promise<void> {
    const value = await this.#value(memoryId, until);
    if (value === null || value === undefined) return;
    const converted = convertValue(memoryId, value);
    const args = [value, converted.epoch, this.#ttl, memoryId, ...convertedEntries(converted)];
    const reply = await this.#scripts.write(CONVERT, writtenKeys(memoryId, this.#settings), args, until);
    if (reply[0] === "converted") return;
    if (reply[0] !== "other") throw this.#problem(memoryId, reply);
    // What is the same to us and not to the server has bytes that are no text.
    if ((await this.#value(memoryId, until)) === value) throw damaged(memoryId, "its value is not UTF-8");
  }

  /** The STRING under the key; `null`: there is nothing any more; `undefined`: there is something else by now. */
  async #value(memoryId: string, until: Until): Promise<string | null | undefined> {
    const key = keyOf(memoryId, this.#settings);
    try {
      return (await this.#scripts.command(["GET", key], until, { key })) as string | null;
    } catch (error) {
      if (isWrongType(error)) return undefined;
      throw error;
    }
  }

  /** What was written before could not be written anew, for replicas that are waited for. Where they are not, that does no harm. */
  #checkPropagated(refusal: RedisReply | undefined): void {
    if (this.#scripts.waits && refusal) throw new Refusal(String(refusal), "applied");
  }

  #problem(memoryId: string, [what, , detail]: Reply): Error {
    if (what === "late") return new TooLate();
    if (what === "refused") return new Refusal(String(detail));
    if (what === "halfway") return new Refusal(String(detail), "unknown");
    if (what === "foreign") return foreign(memoryId, String(detail));
    return damaged(memoryId, "it is a list, but its header or its last entry is not as this library writes them");
  }
}

/** As the scripts read them. */
function encoded(revision: Revision | null | undefined): string {
  if (revision === undefined || revision === null) return revision === null ? NOTHING : "";
  // Words of the scripts' own, which no read gave.
  return revision === NOTHING || revision === "*" ? `?${revision}` : revision;
}

function isTexts(reply: RedisReply | undefined): reply is readonly string[] {
  return Array.isArray(reply) && reply.every((element) => typeof element === "string");
}

function isWrongType(error: unknown): boolean {
  return error instanceof Refusal && error.message.startsWith("WRONGTYPE");
}

function headerOf(memoryId: string, text: string): ReturnType<typeof parseHeader> & object {
  const header = parseHeader(text);
  if (header === undefined) throw damaged(memoryId, "its first element is no header of this library");
  return header;
}
