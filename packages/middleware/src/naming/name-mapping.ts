import { createHash } from "node:crypto";
import { MAX_MEMORY_ID_BYTES } from "@deep-agent/core/adapter";

/** How the ids of memories become names in the store below, and back. */
export interface NameMapping {
  /** Injective. May be longer than an id may be: see {@link LongNames}. */
  nameOf(memoryId: string): string;
  /** `undefined`: no id has this name. */
  idOf(name: string): string | undefined;
  /** What the names of all ids begin with that begin with `prefix`, as far as can be said. */
  beginningOf(prefix: string): string;
}

/** What a name that was too long ends with: NUL, and a SHA-256 in base64url. */
const ending = /\0[A-Za-z0-9_-]{43}$/;
const ENDING_BYTES = 44;

/** What stands after the name of the memory that tells the id of another one. */
const TELLS = "=";

/**
 * Names that fit, of any length of id. One that is too long is cut, and ends with a hash of the whole; what it was is
 * told by a second memory beside it, its *label*. An id that itself looks like such a name is treated as one that is
 * too long: so no two ids share a name.
 */
export class LongNames {
  readonly #mapping: NameMapping;

  constructor(mapping: NameMapping) {
    this.#mapping = mapping;
  }

  /** `label` is the name of the memory that tells `whole`, from which the id can be told if it cannot from the name. */
  nameOf(memoryId: string): { name: string; whole: string; label?: string } {
    const name = this.#mapping.nameOf(memoryId);
    if (Buffer.byteLength(name) <= MAX_MEMORY_ID_BYTES && !isCut(name) && !isLabel(name)) return { name, whole: name };
    const hash = createHash("sha256").update(name).digest("base64url");
    const cut = `${headOf(name, MAX_MEMORY_ID_BYTES - ENDING_BYTES - TELLS.length)}\0${hash}`;
    return { name: cut, whole: name, label: cut + TELLS };
  }

  /** What the store's names begin with, where ids begin with `prefix`. */
  beginningOf(prefix: string): string {
    return headOf(this.#mapping.beginningOf(prefix), MAX_MEMORY_ID_BYTES - ENDING_BYTES - TELLS.length);
  }

  /** The id whose whole name that is; `undefined`: it is nobody's. */
  idOfWhole(whole: string): string | undefined {
    return this.#mapping.idOf(whole);
  }

  /** The id of a name; or the label that tells it; or `undefined`: it is nobody's. */
  idOf(name: string): { memoryId: string } | { label: string } | undefined {
    if (isLabel(name)) return undefined;
    if (isCut(name)) return { label: name + TELLS };
    const memoryId = this.#mapping.idOf(name);
    return memoryId === undefined ? undefined : { memoryId };
  }
}

function isCut(name: string): boolean {
  return ending.test(name);
}

function isLabel(name: string): boolean {
  return name.endsWith(TELLS) && isCut(name.slice(0, -TELLS.length));
}

/** The beginning of a text that takes at most so many bytes of UTF-8, cut between characters. */
function headOf(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  let head = "";
  let left = bytes;
  for (const character of text) {
    left -= Buffer.byteLength(character);
    if (left < 0) break;
    head += character;
  }
  return head;
}
