import type { ToolCall } from "../../contract/message.ts";
import { newId } from "../../contract/new-id.ts";

/**
 * A piece of a tool call. OpenAI always sends `index`, and `id` and name with the first piece. Other servers differ.
 */
export interface ToolCallDelta {
  index?: number | null;
  id?: string | null;
  function?: { name?: string | null; arguments?: unknown } | null;
}

interface PartialCall {
  index: number | undefined;
  id: string;
  name: string;
  arguments: string;
}

/**
 * Assembles streamed tool calls. It accepts servers that leave out the index or the id, give all calls the same index,
 * repeat the name with every piece, send arguments as an object, or send a whole call at once.
 */
export class ToolCallAssembly {
  readonly #calls: PartialCall[] = [];

  /** Adds the pieces of one chunk. Pieces in the same chunk belong to different calls. */
  add(deltas: readonly ToolCallDelta[]): void {
    const taken = new Set<PartialCall>();
    for (const delta of deltas) {
      const call = this.#find(delta, taken) ?? this.#begin(delta);
      taken.add(call);
      call.id ||= delta.id ?? "";
      // Set once: servers repeat the name more often than they split it.
      call.name ||= delta.function?.name ?? "";
      call.arguments += textOf(delta.function?.arguments);
    }
  }

  /**
   * The calls, in the order in which they began. A call without an id, or with the id of another call, gets a new id.
   */
  complete(): ToolCall[] {
    const ids = new Set<string>();
    return this.#calls.map(({ id: given, name, arguments: text }) => {
      if (name === "") throw new Error("The model called a tool without naming it.");
      const id = given === "" || ids.has(given) ? `call_${newId()}` : given;
      ids.add(id);
      return { id, name, arguments: text };
    });
  }

  #begin({ index }: ToolCallDelta): PartialCall {
    const call: PartialCall = { index: index ?? undefined, id: "", name: "", arguments: "" };
    this.#calls.push(call);
    return call;
  }

  /** The call that a piece continues, if any. */
  #find({ index, id, function: called }: ToolCallDelta, taken: ReadonlySet<PartialCall>): PartialCall | undefined {
    const name = called?.name ?? "";
    const open = this.#calls.filter((call) => !taken.has(call));
    if (typeof index === "number") {
      const call = open.findLast((candidate) => candidate.index === index);
      // With a different id and a name, it is a new call, even with the same index.
      return call !== undefined && id && call.id !== "" && id !== call.id && name !== "" ? undefined : call;
    }
    if (id) return open.find((call) => call.id === id);
    const last = this.#calls.at(-1);
    if (last === undefined || taken.has(last)) return undefined;
    // A name without id and index: it is a repetition while the arguments of the last call are incomplete.
    return name === "" || (name === last.name && !isWhole(last.arguments)) ? last : undefined;
  }
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isWhole(json: string): boolean {
  try {
    JSON.parse(json);
    return true;
  } catch {
    return false;
  }
}
