import type { CallOptions, MemoryInfo, ReadOptions, Snapshot } from "@deep-agent/core/adapter";
import type { Calls } from "../calls/calls.ts";
import type { Deadline } from "../calls/deadline.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { EntryDensity } from "../layout/entry-density.ts";
import { type Header, parseHeader } from "../layout/header.ts";
import { keyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { INFO } from "../scripts/info.ts";
import { READ } from "../scripts/read.ts";
import type { RedisReply } from "../wire/redis-commands.ts";
import { textsOf } from "../wire/replies.ts";
import { convertedInfo, readConverted } from "./go-deep-agent.ts";
import { type GoValues, isWrongType } from "./go-values.ts";
import { newestOf, snapshotOf, wholeLog } from "./log-slice.ts";
import { damaged, failureOf, foreign } from "./memory-errors.ts";

/** Reads the logs of all memories: by plain commands if that is enough, or by a script. */
export class LogReader<T extends object> {
  readonly #scripts: ScriptRunner;
  readonly #calls: Calls;
  readonly #values: GoValues;
  readonly #settings: MemorySettings;
  readonly #density = new EntryDensity();

  constructor(scripts: ScriptRunner, calls: Calls, values: GoValues, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#calls = calls;
    this.#values = values;
    this.#settings = settings;
  }

  async load(memoryId: string, { signal }: CallOptions): Promise<T[] | null> {
    return (await this.#whole(memoryId, signal))?.records ?? null;
  }

  read(memoryId: string, options: ReadOptions): Promise<Snapshot<T> | null> {
    const { last, since, before, signal } = options;
    if (last === undefined && since === undefined && before === undefined) return this.#whole(memoryId, signal);
    // Of a cluster, the commands may be sent on to different nodes, and an ASK is for one alone.
    const isPlain = !this.#settings.isCluster && !this.#readsReplicas && since === undefined && before === undefined;
    return this.#calls.run({ verb: "read", memoryId, writes: false, signal }, async (deadline) => {
      const window = isPlain && last !== undefined ? await this.#window(memoryId, last, deadline) : undefined;
      if (window !== undefined) return window;
      const some = await this.#slice(memoryId, options, false, deadline);
      // If the newest entries hold fewer records than the others, they are too few.
      return some === undefined ? ((await this.#slice(memoryId, options, true, deadline)) ?? null) : some;
    });
  }

  info(memoryId: string, { signal }: CallOptions): Promise<MemoryInfo | null> {
    return this.#calls.run({ verb: "look at", memoryId, writes: false, signal }, async (deadline) => {
      for (;;) {
        const input = { memoryId, settings: this.#settings };
        const reply = await this.#scripts.read(INFO, input, deadline, this.#readsReplicas);
        if (reply.what === "absent") return null;
        if (reply.what !== "log" && reply.what !== "foreign") throw failureOf(memoryId, reply);
        const { now, timeToLive, bytes } = reply;
        const kept = { bytes, expiresAt: timeToLive < 0 ? null : Math.floor(now / 1000) + timeToLive };
        if (reply.what === "log") {
          const { records, createdAt, updatedAt } = headerOf(memoryId, reply.header);
          return { records, createdAt, updatedAt, ...kept };
        }
        if (reply.type !== "string") throw foreign(memoryId, reply.type);
        const value = await this.#values.read(memoryId, deadline);
        if (value === null) return null;
        if (value !== undefined) return { ...convertedInfo(memoryId, value), ...kept };
      }
    });
  }

  get #readsReplicas(): boolean {
    return this.#settings.reads === "replica";
  }

  /** All of it: a plain command, since there is nothing to judge. */
  #whole(memoryId: string, signal: AbortSignal | undefined): Promise<Snapshot<T> | null> {
    const key = keyOf(memoryId, this.#settings);
    return this.#calls.run({ verb: "read", memoryId, writes: false, signal }, async (deadline) => {
      try {
        const options = { key, readOnly: this.#readsReplicas };
        const elements = textsOf(await this.#scripts.command(["LRANGE", key, "0", "-1"], deadline, options));
        const [header] = elements;
        if (header === undefined) return null;
        return snapshotOf<T>(memoryId, wholeLog(headerOf(memoryId, header), elements.slice(1)), {}) ?? null;
      } catch (error) {
        if (!isWrongType(error)) throw error;
        return (await this.#slice(memoryId, {}, false, deadline)) ?? null;
      }
    });
  }

  /**
   * The newest records by plain commands: through a script's hands, each KB costs as much as a command. `undefined`:
   * they do not say; the log was written in between, it is not one of ours, or more entries than usual are needed.
   */
  async #window(memoryId: string, last: number, deadline: Deadline): Promise<Snapshot<T> | null | undefined> {
    const key = keyOf(memoryId, this.#settings);
    const count = this.#density.entriesFor(last);
    const commands = [
      ["LINDEX", key, "0"],
      ["LLEN", key],
      // One more, which tells where they begin.
      ["LRANGE", key, String(-count - 1), "-1"],
      ["LINDEX", key, "0"],
    ];
    const [text, length, elements, textThen] = await this.#scripts.together(key, commands, deadline);
    if (text === null && textThen === null) return null;
    const header = typeof text === "string" && text === textThen ? parseHeader(text) : undefined;
    // Some clients are told to make text of numbers.
    const entries = Number(length) - 1;
    if (header === undefined || !Number.isSafeInteger(entries) || !isTexts(elements)) return undefined;
    // With each write its header changes: what came between two that are the same is of one log.
    const slice = newestOf(header, entries, count, elements);
    if (slice === undefined) return undefined;
    const snapshot = snapshotOf<T>(memoryId, slice, { last });
    this.#density.note(snapshot === undefined ? 1 : header.records / entries);
    return snapshot;
  }

  /** `undefined`: too few entries came. With `onePerEntry`, they are always enough. */
  async #slice(
    memoryId: string,
    options: ReadOptions,
    onePerEntry: boolean,
    deadline: Deadline,
  ): Promise<Snapshot<T> | null | undefined> {
    const { last, since, before } = options;
    const input = { memoryId, settings: this.#settings, last, since, before, onePerEntry };
    // A replica that is behind would make what was read before look as if it had been lost.
    const readOnly = this.#readsReplicas && since === undefined && before === undefined;
    const reply = await this.#scripts.read(READ, input, deadline, readOnly);
    if (reply.what === "absent") return null;
    if (reply.what === "foreign" && reply.type === "string") return this.#converted(memoryId, options, deadline);
    if (reply.what !== "log") throw failureOf(memoryId, reply);
    return snapshotOf<T>(memoryId, { ...reply, header: headerOf(memoryId, reply.header) }, options);
  }

  /** What a value of go-deep-agent would be as a log. */
  async #converted(
    memoryId: string,
    options: ReadOptions,
    deadline: Deadline,
  ): Promise<Snapshot<T> | null | undefined> {
    const value = await this.#values.read(memoryId, deadline);
    if (value === undefined) return this.#slice(memoryId, options, true, deadline);
    const snapshot: Snapshot<object> | null = value === null ? null : readConverted(memoryId, value, options);
    return snapshot as Snapshot<T> | null; // its messages are what every log of T is taken to hold
  }
}

function isTexts(reply: RedisReply | undefined): reply is readonly string[] {
  return Array.isArray(reply) && reply.every((element) => typeof element === "string");
}

function headerOf(memoryId: string, text: string): Header {
  const header = parseHeader(text);
  if (header === undefined) throw damaged(memoryId, "its first element is no header of this library");
  return header;
}
