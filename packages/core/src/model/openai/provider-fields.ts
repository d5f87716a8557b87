import { isJsonObject, type JsonObject } from "../../contract/json-object.ts";

/** Fields whose pieces are joined to one text. Of other texts, such as an id or a signature, the last one counts. */
const textFields = /^(text|thinking|thoughts?|summary|data|transcript|content|reasoning.*)$/;

/** The name of a field that records do not have. */
const PROTOTYPE = "__proto__";

/** How deep the fields may be nested: as deep as any that is known, and less than a record may be. */
const MAX_DEPTH = 100;

/**
 * Collects the fields of a streamed answer that are not known, from pieces. In a list, pieces with the same index are
 * joined; without an index, neighbours that are pieces of one text or thought.
 */
export class ProviderFields {
  readonly #fields: Record<string, unknown> = {};

  get isEmpty(): boolean {
    return Object.keys(this.#fields).length === 0;
  }

  /** The fields so far, as values that JSON can hold. */
  get fields(): Record<string, unknown> {
    return this.#fields;
  }

  /** Adds the fields of a piece whose names are not among the known ones. Empty values say nothing. */
  add(piece: object, known: readonly string[]): void {
    for (const [name, value] of Object.entries(piece)) if (!known.includes(name)) this.addField(name, value);
  }

  addField(name: string, given: unknown): void {
    const value = storable(given);
    if (name === PROTOTYPE || isEmpty(value)) return;
    this.#fields[name] = mergeField(name, own(this.#fields, name), value);
  }
}

/**
 * A copy without what a record cannot hold, such as a number that is too large. A server may send it, and the turn
 * could not be stored. `undefined`: nothing remains.
 */
function storable(value: unknown, depth = 0): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "object" || depth === MAX_DEPTH) return undefined;
  if (Array.isArray(value)) return value.map((element: unknown) => storable(element, depth + 1) ?? null);
  const fields = Object.entries(value).map(([name, inner]) => [name, storable(inner, depth + 1)] as const);
  return Object.fromEntries(fields.filter(([name, inner]) => name !== PROTOTYPE && inner !== undefined));
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function mergeField(name: string, old: unknown, next: unknown): unknown {
  if (typeof old !== "string" || typeof next !== "string") return merge(old, next);
  return textFields.test(name) ? old + next : next === "" ? old : next;
}

function merge(old: unknown, next: unknown): unknown {
  if (old === undefined || old === null) return Array.isArray(next) ? mergeLists([], next) : next;
  if (next === undefined || next === null) return old;
  if (Array.isArray(old) && Array.isArray(next)) return mergeLists(old, next);
  if (isJsonObject(old) && isJsonObject(next)) return mergeObjects(old, next);
  return next;
}

function mergeObjects(old: JsonObject, next: JsonObject): JsonObject {
  const names = [...new Set([...Object.keys(old), ...Object.keys(next)])];
  return Object.fromEntries(
    names.map((name) => {
      return [name, mergeField(name, own(old, name), own(next, name))];
    }),
  );
}

function mergeLists(old: readonly unknown[], next: readonly unknown[]): unknown[] {
  const merged = [...old];
  for (const piece of next) {
    const place = isJsonObject(piece) ? placeOf(merged, piece) : -1;
    if (place < 0) merged.push(piece);
    else merged[place] = merge(merged[place], piece);
  }
  return merged;
}

/**
 * Where the part that `piece` continues stands in a list: the part of the same index and type; without an index, the
 * last part, if both are pieces of one text or thought. -1: the piece begins a part.
 */
function placeOf(list: readonly unknown[], piece: JsonObject): number {
  const { index, type } = piece;
  const last = list.at(-1);
  if (typeof index === "number") {
    return list.findLastIndex((part) => isJsonObject(part) && part["index"] === index && part["type"] === type);
  }
  if (!isJsonObject(last) || !hasText(last) || !hasText(piece) || last["type"] !== type) return -1;
  return isEmpty(last["signature"]) ? list.length - 1 : -1; // a thought ends with its signature
}

function hasText(part: JsonObject): boolean {
  return typeof part["text"] === "string" || typeof part["thinking"] === "string" || !isEmpty(part["signature"]);
}

function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
