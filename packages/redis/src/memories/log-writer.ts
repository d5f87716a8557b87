import {
  type AppendOptions,
  type CallOptions,
  conflict,
  newId,
  type Revision,
  type SaveOptions,
} from "@deep-agent/core/adapter";
import { BACKEND } from "../backend-name.ts";
import type { Calls } from "../calls/calls.ts";
import type { Deadline } from "../calls/deadline.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { formatRevision } from "../layout/revision.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { APPEND } from "../scripts/append.ts";
import { type MemoryInput, NOTHING } from "../scripts/common-input.ts";
import { DELETE } from "../scripts/delete.ts";
import { PEEK } from "../scripts/peek.ts";
import { isFailure, type ScriptFailure } from "../scripts/reply-parser.ts";
import { SAVE } from "../scripts/save.ts";
import type { Script, ScriptReply } from "../scripts/script.ts";
import { TOUCH } from "../scripts/touch.ts";
import { CommandRefused } from "../wire/failures.ts";
import { convertedInfo } from "./go-deep-agent.ts";
import type { GoValues } from "./go-values.ts";
import { failureOf } from "./memory-errors.ts";
import type { RecentIndex } from "./recent-index.ts";

/** What a call saw under a key, so that it can name it. */
interface Seen {
  /** An epoch, {@link NOTHING}, or a word for what has no epoch. */
  name: string;
  /** When the log was created, in ms since 1970. */
  created?: string;
}

/** Writes the logs of all memories, by scripts. */
export class LogWriter {
  readonly #scripts: ScriptRunner;
  readonly #calls: Calls;
  readonly #values: GoValues;
  readonly #index: RecentIndex;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, calls: Calls, values: GoValues, index: RecentIndex, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#calls = calls;
    this.#values = values;
    this.#index = index;
    this.#settings = settings;
  }

  append(memoryId: string, records: readonly string[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    // If the log is named, an attempt that comes late finds its entry there, or another log. If it is not, it would be
    // the first entry of a memory that was deleted meanwhile.
    const repeatable = (): boolean => typeof since === "string" || typeof expectedRevision === "string";
    const call = { verb: "append to", memoryId, writes: true, signal, repeatable };
    return this.#calls.run(call, async (deadline, again) => {
      // A new epoch each time: a log that another attempt made may have been deleted since.
      const named = { operationId, since, again, expectedRevision, epoch: newId() };
      const reply = await this.#write(APPEND, { memoryId, settings: this.#settings, records, ...named }, deadline);
      if (reply.what === "conflict") throw conflict(memoryId, BACKEND);
      if (reply.what === "found") this.#checkPropagated(reply.error);
      const { epoch, position, at } = reply;
      await this.#enlist(memoryId, at, position === 1, deadline);
      return formatRevision(epoch, position, at);
    });
  }

  async save(memoryId: string, texts: readonly string[], options: SaveOptions): Promise<void> {
    const { operationId, expectedRevision, signal } = options;
    const epochs: string[] = [];
    const records = texts.slice(-(this.#settings.maxRecords ?? texts.length) || texts.length);
    const dropped = texts.length - records.length;
    // A save that names the log which it replaces does nothing if it comes late. Without a log, it would make one.
    let seen: string | undefined = expectedRevision === undefined ? undefined : "";
    const repeatable = (): boolean => seen !== NOTHING && expectedRevision !== null;
    await this.#calls.run({ verb: "save", memoryId, writes: true, signal, repeatable }, async (deadline) => {
      for (;;) {
        seen ??= (await this.#peek(memoryId, deadline)).name;
        epochs.push(newId());
        const named = { epochs, operationId, seen, expectedRevision };
        const input = { memoryId, settings: this.#settings, ...named, dropped, records };
        const reply = await this.#write(SAVE, input, deadline);
        if (reply.what === "conflict") throw conflict(memoryId, BACKEND);
        if (reply.what === "saved") {
          this.#checkPropagated(reply.error);
          return this.#enlist(memoryId, String(reply.now), seen === NOTHING, deadline);
        }
        seen = undefined;
      }
    });
  }

  async delete(memoryId: string, { signal }: CallOptions): Promise<void> {
    let seen: Seen | undefined;
    await this.#calls.run({ verb: "delete", memoryId, writes: true, signal }, async (deadline, again) => {
      const propagate = this.#scripts.waits;
      for (;;) {
        seen ??= await this.#peek(memoryId, deadline);
        // What was taken away before, by this call or by one that it repeats, replicas may still have.
        if (seen.name === NOTHING && !propagate) return;
        const input = { memoryId, settings: this.#settings, seen: seen.name, propagate };
        const reply = await this.#scripts.write(DELETE, input, deadline);
        if (reply.what === "deleted" || reply.what === "absent") return;
        if (reply.what === "unlisted") throw new CommandRefused(reply.error, "applied");
        if (reply.what !== "other") throw failureOf(memoryId, reply);
        const now = await this.#peek(memoryId, deadline);
        // A save keeps the time of the creation. If that is another, the memory was gone in between: by an earlier
        // attempt, it may be, and then what is there now came after.
        if (again && seen.created !== undefined && seen.created !== now.created) return;
        seen = now;
      }
    });
  }

  async touch(memoryId: string, { signal }: CallOptions): Promise<void> {
    await this.#calls.run({ verb: "renew", memoryId, writes: true, signal }, async (deadline) => {
      for (let isValue = false; ; ) {
        const reply = await this.#scripts.write(TOUCH, { memoryId, settings: this.#settings, isValue }, deadline);
        if (reply.what === "renewed" || reply.what === "absent") return;
        if (reply.what !== "foreign" || reply.type !== "string" || isValue) throw failureOf(memoryId, reply);
        const value = await this.#values.read(memoryId, deadline);
        // Throws if it is no value of go-deep-agent.
        if (value) convertedInfo(memoryId, value);
        isValue = value !== undefined;
      }
    });
  }

  /** If the script that wrote a memory could not write the index as well. */
  async #enlist(memoryId: string, score: string, isNew: boolean, deadline: Deadline): Promise<void> {
    const { index, isCluster } = this.#settings;
    if (index && isCluster) await this.#index.enlist({ memoryId, score }, isNew, deadline);
  }

  async #peek(memoryId: string, deadline: Deadline): Promise<Seen> {
    const reply = await this.#scripts.read(PEEK, { memoryId, settings: this.#settings }, deadline);
    if (reply.what === "log") return { name: reply.epoch, created: reply.created };
    if (reply.what === "absent") return { name: NOTHING };
    if (reply.what === "damaged") return { name: "!damaged" };
    if (reply.what === "foreign" && reply.type === "string") return { name: "!string" };
    throw failureOf(memoryId, reply);
  }

  /** Runs a script that writes a log; a value of go-deep-agent is converted first. */
  async #write<Input extends MemoryInput, Reply extends ScriptReply>(
    script: Script<Input, Reply | ScriptFailure>,
    input: Input,
    deadline: Deadline,
  ): Promise<Reply> {
    for (;;) {
      const reply = await this.#scripts.write(script, input, deadline);
      if (!isFailure(reply)) return reply;
      if (reply.what !== "foreign" || reply.type !== "string") throw failureOf(input.memoryId, reply);
      await this.#values.convert(input.memoryId, deadline);
    }
  }

  /**
   * What was written before could not be written again, for replicas that are waited for. Otherwise, that does no harm.
   */
  #checkPropagated(error: string): void {
    if (this.#scripts.waits && error !== "") throw new CommandRefused(error, "applied");
  }
}
