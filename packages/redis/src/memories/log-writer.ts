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
import { KEPT_OPERATIONS } from "../layout/kept-operations.ts";
import { writtenIndex } from "../layout/memory-key.ts";
import { formatRevision } from "../layout/revision.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { APPEND } from "../scripts/append.ts";
import { type MemoryInput, NOTHING } from "../scripts/common-input.ts";
import { DELETE } from "../scripts/delete.ts";
import { HEADS, type HeadsInput } from "../scripts/heads.ts";
import { PEEK } from "../scripts/peek.ts";
import { isFailure, type ScriptFailure } from "../scripts/reply-parser.ts";
import { SAVE, type SaveInput } from "../scripts/save.ts";
import type { Script, ScriptReply } from "../scripts/script.ts";
import { TOUCH } from "../scripts/touch.ts";
import { CommandRefused } from "../wire/failures.ts";
import { convertedInfo } from "./go-deep-agent.ts";
import type { GoValues } from "./go-values.ts";
import { failureOf } from "./memory-errors.ts";
import type { RecentIndex } from "./recent-index.ts";

/** What a call saw under a key, so that a script can check that it is still there. */
interface Seen {
  /** An epoch, {@link NOTHING}, or a word for something without an epoch. */
  name: string;
  /** When the log was created, in ms since 1970. */
  created?: string;
}

/** The appends that a save keeps known. */
type KnownAppends = Pick<SaveInput, "kept" | "keptAt">;

/** Writes logs, by scripts. */
export class LogWriter {
  readonly #scripts: ScriptRunner;
  readonly #calls: Calls;
  readonly #values: GoValues;
  readonly #index: RecentIndex;
  readonly #settings: MemorySettings;
  readonly #writtenIndex: string | undefined;

  constructor(scripts: ScriptRunner, calls: Calls, values: GoValues, index: RecentIndex, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#calls = calls;
    this.#values = values;
    this.#index = index;
    this.#settings = settings;
    this.#writtenIndex = writtenIndex(settings);
  }

  append(memoryId: string, records: readonly string[], options: AppendOptions): Promise<Revision> {
    const { operationId = newId(), since, expectedRevision, signal } = options;
    // With a revision, a late attempt finds its entry there, or another log. Without one, it would add the first entry
    // of a memory that was deleted meanwhile.
    const repeatable = (): boolean => typeof since === "string" || typeof expectedRevision === "string";
    const call = { verb: "append to", memoryId, writes: true, signal, index: this.#writtenIndex, repeatable };
    return this.#calls.run(call, async (deadline, again) => {
      // A new epoch for each attempt: a log that an earlier attempt created may have been deleted since.
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
    const { operationId, expectedRevision, keepOperations = false, signal } = options;
    const epochs: string[] = [];
    const records = texts.slice(-(this.#settings.maxRecords ?? texts.length) || texts.length);
    const dropped = texts.length - records.length;
    // A late save does nothing if it names the log that it replaces. If it expects no log, it would create one.
    let seen: string | undefined = expectedRevision === undefined ? undefined : "";
    let known: KnownAppends = { kept: [], keptAt: "" };
    const repeatable = (): boolean => seen !== NOTHING && expectedRevision !== null;
    const call = { verb: "save", memoryId, writes: true, signal, index: this.#writtenIndex, repeatable };
    await this.#calls.run(call, async (deadline) => {
      for (;;) {
        seen ??= (await this.#peek(memoryId, deadline)).name;
        if (keepOperations) known = await this.#knownAppends(memoryId, deadline);
        epochs.push(newId());
        const named = { epochs, operationId, seen, expectedRevision, ...known };
        const input = { memoryId, settings: this.#settings, ...named, dropped, records };
        const reply = await this.#write(SAVE, input, deadline);
        if (reply.what === "conflict") throw conflict(memoryId, BACKEND);
        if (reply.what === "saved") {
          this.#checkPropagated(reply.error);
          return this.#enlist(memoryId, String(reply.now), seen === NOTHING, deadline);
        }
        seen = expectedRevision === undefined ? undefined : "";
      }
    });
  }

  async delete(memoryId: string, { signal }: CallOptions): Promise<void> {
    let seen: Seen | undefined;
    const call = { verb: "delete", memoryId, writes: true, signal, index: this.#writtenIndex };
    await this.#calls.run(call, async (deadline, again) => {
      const propagate = this.#scripts.waits;
      for (;;) {
        seen ??= await this.#peek(memoryId, deadline);
        // If writes wait for replicas, they may still have a memory that an earlier attempt or call has deleted.
        if (seen.name === NOTHING && !propagate) return;
        const input = { memoryId, settings: this.#settings, seen: seen.name, propagate };
        const reply = await this.#scripts.write(DELETE, input, deadline);
        if (reply.what === "deleted" || reply.what === "absent") return;
        if (reply.what === "unlisted") throw new CommandRefused(reply.error, "applied");
        if (reply.what !== "other") throw failureOf(memoryId, reply);
        const now = await this.#peek(memoryId, deadline);
        // A save keeps the time of creation. If that time is another one, the memory did not exist in between. An
        // earlier attempt may have deleted it, so the memory that is there now was created later and stays.
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
        // Throws if this is not a value of go-deep-agent.
        if (value) convertedInfo(memoryId, value);
        isValue = value !== undefined;
      }
    });
  }

  /**
   * Reads the ids of the newest appends, in as many steps as their entries are long. What is written in between does no
   * harm: the save is then not made, because the log has another revision.
   */
  async #knownAppends(memoryId: string, deadline: Deadline): Promise<KnownAppends> {
    const newestFirst: string[] = [];
    let keptAt: Revision | undefined;
    let from: HeadsInput["from"];
    do {
      const reply = await this.#scripts.read(HEADS, { memoryId, settings: this.#settings, from }, deadline);
      if (reply.what === "absent" || reply.what === "foreign" || reply.what === "other") break;
      if (reply.what !== "heads") throw failureOf(memoryId, reply);
      newestFirst.push(...reply.appends);
      keptAt ??= reply.revision;
      from = { epoch: reply.epoch, position: reply.next };
    } while (from.position > 0 && newestFirst.length < KEPT_OPERATIONS);
    return { kept: newestFirst.slice(0, KEPT_OPERATIONS).reverse(), keptAt: keptAt ?? NOTHING };
  }

  /** Updates the index on a cluster, where the script that writes a memory cannot do so. */
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

  /** Runs a script that writes a log. Converts a value of go-deep-agent first. */
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
   * An earlier attempt had written. Throws if writes wait for replicas and this attempt could not write the same again
   * for them. Without replicas to wait for, that does no harm.
   */
  #checkPropagated(error: string): void {
    if (this.#scripts.waits && error !== "") throw new CommandRefused(error, "applied");
  }
}
