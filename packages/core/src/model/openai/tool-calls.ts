import type { ToolCall } from "../../contract/message.ts";
import { newId } from "../../contract/new-id.ts";

/** A piece of a tool call. OpenAI sends `index` always, `id` and name with the first piece; other servers are less exact. */
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
 * Puts streamed tool calls together, also those of servers that leave out the index or the id, give all calls the same
 * index, repeat the name with every piece, send arguments as an object, or a whole call at once.
 */
export class ToolCallAssembly {
  readonly #calls: PartialCall[] = [];

  /** Takes the pieces of one chunk. Pieces that stand side by side in a chunk belong to different calls. */
  add(deltas: readonly ToolCallDelta[]): void {
    const taken = new Set<PartialCall>();
    for (const delta of deltas) {
      const call = this.#find(delta, taken) ?? this.#begin(delta);
      taken.add(call);
      call.id ||= delta.id ?? "";
      // Set once, since it is repeated more often than it is cut up.
      call.name ||= delta.function?.name ?? "";
      call.arguments += textOf(delta.function?.arguments);
    }
  }

  /** The calls, in the order in which they began. One that came without an id, or with that of another, is given one. */
  complete(): ToolCall[] {
    const ids = new Set<string>();
    return this.#calls.map(({ id: given, name, arguments: text }) => {
      if (name === "") throw new Error("The model called a tool without saying which.");
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
      // With another id and a name, it is a call of its own, whatever its index.
      return call !== undefined && id && call.id !== "" && id !== call.id && name !== "" ? undefined : call;
    }
    if (id) return open.find((call) => call.id === id);
    const last = this.#calls.at(-1);
    if (last === undefined || taken.has(last)) return undefined;
    // A name with nothing to tell whose it is: repeated, as long as the arguments of the call before are not whole.
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
