import { createHash } from "node:crypto";
import { MAX_MEMORY_ID_BYTES } from "@deep-agent/core/adapter";

/** How the ids of memories become names in the store below, and back. */
export interface NameMapping {
  /** Two ids never get the same name. The name may be longer than a memory id can be: see {@link LongNames}. */
  nameOf(memoryId: string): string;
  /** `undefined` if no id has this name. */
  idOf(name: string): string | undefined;
  /** The beginning that the names of all ids with this prefix share, as far as it is known. */
  beginningOf(prefix: string): string;
  /**
   * What is wrong with a name that no id has, as the end of a sentence. Absent: nothing is wrong, since such a name
   * belongs to others.
   */
  readonly unreadable?: string;
}

/** The end of a name that was too long: NUL, and a SHA-256 in base64url. */
const ending = /\0[A-Za-z0-9_-]{43}$/;
const ENDING_BYTES = 44;

/** A label's name is the name of its memory and this. */
const LABEL_ENDING = "=";

/**
 * Names that fit into a memory id, however long the id is. A name that is too long is cut, and ends with a hash of the
 * whole name. A second memory beside it, its *label*, holds the whole name. An id that itself looks like a cut name is
 * treated as too long, so that no two ids share a name.
 */
export class LongNames {
  readonly #mapping: NameMapping;

  constructor(mapping: NameMapping) {
    this.#mapping = mapping;
  }

  /** What is wrong with a name that no id has. `undefined`: nothing. */
  get unreadable(): string | undefined {
    return this.#mapping.unreadable;
  }

  /** `whole` is the name before it was cut. If it was cut, `label` is the name of the memory that holds `whole`. */
  nameOf(memoryId: string): { name: string; whole: string; label?: string } {
    const name = this.#mapping.nameOf(memoryId);
    if (Buffer.byteLength(name) <= MAX_MEMORY_ID_BYTES && !isCut(name) && !isLabel(name)) return { name, whole: name };
    const hash = createHash("sha256").update(name).digest("base64url");
    const cut = `${headOf(name, MAX_MEMORY_ID_BYTES - ENDING_BYTES - LABEL_ENDING.length)}\0${hash}`;
    return { name: cut, whole: name, label: cut + LABEL_ENDING };
  }

  /** The beginning of the names of all ids with this prefix. */
  beginningOf(prefix: string): string {
    return headOf(this.#mapping.beginningOf(prefix), MAX_MEMORY_ID_BYTES - ENDING_BYTES - LABEL_ENDING.length);
  }

  /** The id with this whole name; `undefined` if no id has it. */
  idOfWhole(whole: string): string | undefined {
    return this.#mapping.idOf(whole);
  }

  /** The id with this name, or the label that holds the id's whole name; `"label"`: this is itself a label's name. */
  idOf(name: string): { memoryId: string | undefined } | { label: string } | "label" {
    if (isLabel(name)) return "label";
    if (isCut(name)) return { label: name + LABEL_ENDING };
    return { memoryId: this.#mapping.idOf(name) };
  }
}

function isCut(name: string): boolean {
  return ending.test(name);
}

function isLabel(name: string): boolean {
  return name.endsWith(LABEL_ENDING) && isCut(name.slice(0, -LABEL_ENDING.length));
}

/** The beginning of a text, of at most `bytes` bytes of UTF-8, cut between characters. */
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
