import type { Deadline } from "../calls/deadline.ts";
import type { ScriptRunner } from "../calls/script-runner.ts";
import { keyOf } from "../layout/memory-key.ts";
import type { MemorySettings } from "../options/memory-settings.ts";
import { CONVERT } from "../scripts/convert.ts";
import { CommandRefused } from "../wire/failures.ts";
import { convertedEntries, convertValue } from "./go-deep-agent.ts";
import { damaged, failureOf } from "./memory-errors.ts";

/** Reads and converts the values that go-deep-agent left under the keys of memories. */
export class GoValues {
  readonly #scripts: ScriptRunner;
  readonly #settings: MemorySettings;

  constructor(scripts: ScriptRunner, settings: MemorySettings) {
    this.#scripts = scripts;
    this.#settings = settings;
  }

  /** The STRING under the key. `null`: the key no longer exists. `undefined`: it holds something else by now. */
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

  /** Replaces the value by a log, if it is still there. */
  async convert(memoryId: string, deadline: Deadline): Promise<void> {
    const value = await this.read(memoryId, deadline);
    if (value === null || value === undefined) return;
    const converted = convertValue(memoryId, value);
    const { epoch } = converted;
    const input = { memoryId, settings: this.#settings, value, epoch, entries: convertedEntries(converted) };
    const reply = await this.#scripts.write(CONVERT, input, deadline);
    if (reply.what === "converted") return;
    if (reply.what !== "other") throw failureOf(memoryId, reply);
    // The value is unchanged as text, but the server saw other bytes: so its bytes are not UTF-8.
    if ((await this.read(memoryId, deadline)) === value) throw damaged(memoryId, "its value is not UTF-8");
  }
}

/** Whether the key holds a type that the command is not for. */
export function isWrongType(error: unknown): boolean {
  return error instanceof CommandRefused && error.message.startsWith("WRONGTYPE");
}
