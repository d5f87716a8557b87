import type { Deadline } from "../calls/deadline.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { keyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { CONVERT } from "../scripts/convert.ts";
import { CommandRefused } from "../wire/failures.ts";
import { convertedEntries, convertValue } from "./go-deep-agent.ts";
import { damaged, failureOf } from "./memory-errors.ts";

/** What go-deep-agent has left under the keys of memories. */
export class GoValues {
  readonly #scripts: ScriptRunner;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#settings = settings;
  }

  /** The STRING under the key; `null`: there is nothing any more; `undefined`: there is something else by now. */
  async read(memoryId: string, deadline: Deadline): Promise<string | null | undefined> {
    const key = keyOf(memoryId, this.#settings);
    try {
      const value = await this.#scripts.command(["GET", key], deadline, { key });
      return value === null ? null : String(value);
    } catch (error) {
      if (isWrongType(error)) return undefined;
      throw error;
    }
  }

  /** Puts a log in the place of the value, if it is still there. */
  async convert(memoryId: string, deadline: Deadline): Promise<void> {
    const value = await this.read(memoryId, deadline);
    if (value === null || value === undefined) return;
    const converted = convertValue(memoryId, value);
    const { epoch } = converted;
    const input = { memoryId, settings: this.#settings, value, epoch, entries: convertedEntries(converted) };
    const reply = await this.#scripts.write(CONVERT, input, deadline);
    if (reply.what === "converted") return;
    if (reply.what !== "other") throw failureOf(memoryId, reply);
    // What is the same to us and not to the server has bytes that are no text.
    if ((await this.read(memoryId, deadline)) === value) throw damaged(memoryId, "its value is not UTF-8");
  }
}

/** Whether something else is under the key than the command is for. */
export function isWrongType(error: unknown): boolean {
  return error instanceof CommandRefused && error.message.startsWith("WRONGTYPE");
}
