import type { JsonObject } from "../../contract/json-object.ts";
import type { ToolCall } from "../../contract/message.ts";
import { newId } from "../../contract/new-id.ts";
import { type Field, fieldsOf, listAt, notUnderstood, textAt } from "./answer-fields.ts";
import { isWholeObject, lastObject } from "./json-values.ts";
import { callFields, functionFields } from "./known-fields.ts";
import { ProviderFields } from "./provider-fields.ts";

interface PartialCall {
  readonly index: number | undefined;
  /** Where the first piece stood in the answer. */
  readonly field: string;
  id: string;
  name: string;
  arguments: string;
  readonly added: ProviderFields;
  readonly addedToFunction: ProviderFields;
}

/** A piece of a call. OpenAI always sends `index`, and `id` and name with the first piece. Other servers differ. */
interface Piece {
  readonly index: number | undefined;
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/**
 * Assembles streamed tool calls. It accepts servers that leave out the index or the id, give all calls the same index,
 * give each piece a new id, repeat the name with every piece or the whole call after its pieces, send arguments as an
 * object, or send a whole call at once.
 */
export class ToolCallAssembly {
  readonly #calls: PartialCall[] = [];

  get isEmpty(): boolean {
    return this.#calls.length === 0;
  }

  /** Adds the pieces of one chunk. Pieces in the same chunk belong to different calls. Throws for invalid pieces. */
  add(deltas: Field): void {
    const taken = new Set<PartialCall>();
    for (const delta of listAt(deltas)) {
      const fields = fieldsOf(delta);
      if (fields === undefined) continue;
      const { piece, called } = pieceOf(delta, fields);
      const call = this.#find(piece, taken) ?? this.#begin(piece, delta.path);
      taken.add(call);
      call.id ||= piece.id;
      // Set once: servers repeat the name more often than they split it.
      call.name ||= piece.name;
      call.arguments += piece.arguments;
      call.added.add(fields, callFields);
      call.addedToFunction.add(called, functionFields);
    }
  }

  /**
   * The calls, in the order in which they began. A call without an id, or with the id of another call, gets a new id. A
   * call that says nothing is left out.
   */
  complete(source: string): ToolCall[] {
    const ids = new Set<string>();
    return this.#calls.flatMap((call) => {
      const { name, arguments: text } = call;
      if (name === "" && this.#repeats(call)) return [];
      if (name === "") throw notUnderstood(`${call.field}.function.name`, "it is missing");
      const id = call.id === "" || ids.has(call.id) ? newCallId() : call.id;
      ids.add(id);
      call.added.addField("function", call.addedToFunction.fields);
      const metadata = call.added.isEmpty ? {} : { providerMetadata: { source, fields: call.added.fields } };
      return [{ id, name, arguments: lastObject(text), ...metadata }];
    });
  }

  /** Whether a call without a name says nothing, or only again what another call says. */
  #repeats(call: PartialCall): boolean {
    const text = call.arguments.trim();
    const named = this.#calls.filter(({ name }) => name !== "");
    return text === "" || named.some((other) => /^\{\s*\}$/.test(text) || other.arguments.trim() === text);
  }

  #begin({ index }: Piece, field: string): PartialCall {
    const added = { added: new ProviderFields(), addedToFunction: new ProviderFields() };
    const call: PartialCall = { index, field, id: "", name: "", arguments: "", ...added };
    this.#calls.push(call);
    return call;
  }

  /** The call that a piece continues, if any. */
  #find(piece: Piece, taken: ReadonlySet<PartialCall>): PartialCall | undefined {
    const { index, id } = piece;
    const open = this.#calls.filter((call) => !taken.has(call));
    const named = index === undefined && id !== "" ? open.find((call) => call.id === id) : undefined;
    if (named !== undefined) return named;
    const last = this.#calls.at(-1);
    const found = index === undefined ? last : open.findLast((call) => call.index === index);
    if (found !== undefined) return !taken.has(found) && continues(found, piece) ? found : undefined;
    // A server may give each piece a new index: a piece without a name does not begin a call.
    const isRest = piece.name === "" && piece.arguments !== "" && last !== undefined && !isWholeObject(last.arguments);
    return isRest && !taken.has(last) ? last : undefined;
  }
}

/** Whether a piece belongs to a call that has begun, rather than beginning another one. */
function continues(call: PartialCall, piece: Piece): boolean {
  const hasNewId = piece.id !== "" && call.id !== "" && piece.id !== call.id;
  if (piece.name === "" || call.name === "" || (piece.id !== "" && piece.id === call.id)) return true;
  if (piece.name !== call.name) return false;
  // The name is repeated.
  if (call.arguments.trim() === "") return !hasNewId || (piece.arguments !== "" && !isWholeObject(piece.arguments));
  // Pieces of calls without an index may come in turns.
  const begins = hasNewId && piece.index === undefined && /^\s*\{/.test(piece.arguments);
  if (!isWholeObject(call.arguments)) return !begins;
  if (hasNewId) return false;
  const isRepeated = piece.arguments === "" || piece.arguments.trim() === call.arguments.trim();
  return isRepeated || /^\{\s*\}$/.test(call.arguments.trim()) || !/^\s*\{/.test(piece.arguments);
}

function pieceOf({ path }: Field, fields: JsonObject): { piece: Piece; called: JsonObject } {
  const { index, id, function: value } = fields;
  // Some servers leave out the object around the name and the arguments.
  const called = fieldsOf({ path: `${path}.function`, value }) ?? {
    name: fields["name"],
    arguments: fields["arguments"],
  };
  return {
    called,
    piece: {
      index: numberOf(index),
      id: typeof id === "number" ? String(id) : textAt({ path: `${path}.id`, value: id }),
      name: textAt({ path: `${path}.function.name`, value: called["name"] }),
      arguments: argumentsOf(called["arguments"]),
    },
  };
}

/** Some servers write the index as text. */
function numberOf(index: unknown): number | undefined {
  const value = typeof index === "string" && /^\d+$/.test(index) ? Number(index) : index;
  return typeof value === "number" ? value : undefined;
}

function argumentsOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Nine letters and digits, which every known server accepts. */
function newCallId(): string {
  const id = newId()
    .replaceAll(/[^A-Za-z0-9]/g, "")
    .slice(0, 9);
  return id.length === 9 ? id : newCallId();
}
