import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";
import { MemoryError, parseJson, quoteId } from "@deep-agent/core/adapter";
import type { KeyRing } from "./key-ring.ts";

const ALGORITHM = "aes-256-gcm";
const IV_BYTES = 12;
/** Passed at each use: otherwise Node accepts shorter tags, too. */
const TAG_BYTES = 16;

/** What is stored instead of a record. `sealed` is the version of this format. */
interface SealedRecord {
  sealed: 1;
  /** The name of the key. */
  key: string;
  /** Base64 of the initialization vector, the ciphertext of the record's JSON, and the authentication tag. */
  data: string;
}

/**
 * Seals and opens the records of one memory with AES-256-GCM (NIST SP 800-38D). Each record gets a random
 * initialization vector. The memory's id and the key's name are authenticated with it as associated data, so a record
 * cannot be opened in another memory.
 */
export class RecordCipher {
  readonly #ring: KeyRing;
  readonly #memoryId: string;
  readonly #acceptPlaintext: boolean;
  /** The keys derived from those of the ring, by name. */
  readonly #keys = new Map<string, KeyObject>();

  constructor(ring: KeyRing, memoryId: string, acceptPlaintext: boolean) {
    this.#ring = ring;
    this.#memoryId = memoryId;
    this.#acceptPlaintext = acceptPlaintext;
  }

  seal(recordText: string): SealedRecord {
    const keyId = this.#ring.current;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#keyOf(keyId), iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(this.#context(keyId));
    const data = Buffer.concat([iv, cipher.update(recordText, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return { sealed: 1, key: keyId, data: data.toString("base64") };
  }

  /** Throws `DECRYPT` unless the record was sealed for this memory with one of the keys. */
  open(stored: object): object {
    if (!isSealed(stored)) {
      if (this.#acceptPlaintext && !("sealed" in stored)) return stored;
      throw this.#failed(
        "a record is not encrypted",
        "To read it unencrypted for now, set `acceptPlaintext: true`; `reencrypt` then seals it.",
      );
    }
    try {
      return this.#opened(stored);
    } catch (error) {
      if (MemoryError.is(error)) throw error;
      // Node's message would add nothing useful.
      throw this.#failed(
        `a record cannot be opened with the key ${quoteId(stored.key)}`,
        "This is not the key that sealed it, or the record was changed or moved here from another memory.",
      );
    }
  }

  /** Whether the record is sealed with the current key. */
  isCurrent(stored: object): boolean {
    return isSealed(stored) && stored.key === this.#ring.current;
  }

  #opened({ key, data }: SealedRecord): object {
    const bytes = Buffer.from(data, "base64");
    const decipher = createDecipheriv(ALGORITHM, this.#keyOf(key), bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(this.#context(key));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return parseJson(text.toString()) as object; // only `seal` has the key, and it was given an object's text
  }

  #context(keyId: string): Buffer {
    return Buffer.from(JSON.stringify(["deep-agent", 1, keyId, this.#memoryId]));
  }

  #keyOf(keyId: string): KeyObject {
    const key = this.#keys.get(keyId) ?? this.#ring.keyFor(keyId, this.#memoryId);
    if (key === undefined)
      throw this.#failed(
        `a record is sealed with the key ${quoteId(keyId)}, which \`keys\` does not have`,
        "Add that key again: keep old keys until `reencrypt` has run.",
      );
    this.#keys.set(keyId, key);
    return key;
  }

  #failed(problem: string, hint: string): MemoryError {
    const memoryId = this.#memoryId;
    return new MemoryError("DECRYPT", `Cannot read memory ${quoteId(memoryId)}: ${problem}.`, { memoryId, hint });
  }
}

function isSealed(record: object): record is SealedRecord {
  const { sealed, key, data, ...rest } = record as Partial<SealedRecord>;
  return sealed === 1 && typeof key === "string" && typeof data === "string" && Object.keys(rest).length === 0;
}
