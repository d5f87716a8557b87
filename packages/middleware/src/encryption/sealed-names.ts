import { createCipheriv, createDecipheriv, createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import type { NameMapping } from "../naming/name-mapping.ts";
import { derived } from "./key-ring.ts";

const IV_BYTES = 16;
const NO_SALT = new Uint8Array();

/**
 * Names that show nothing of an id except its length. The same id always gets the same name, and only a holder of the
 * key can read it. A synthetic initialization vector, the beginning of an HMAC-SHA-256 of the id, encrypts the id with
 * AES-256-CTR and authenticates it when it is read (the construction of RFC 5297). The name is base64url.
 */
export class SealedNames implements NameMapping {
  readonly #macKey: KeyObject;
  readonly #cipherKey: KeyObject;

  /** A name that the key does not open was sealed with another key, or not at all. */
  readonly unreadable = "cannot be opened with this `idKey`";

  constructor(key: KeyObject) {
    this.#macKey = derived(key, NO_SALT, "deep-agent ids: mac");
    this.#cipherKey = derived(key, NO_SALT, "deep-agent ids: cipher");
  }

  nameOf(memoryId: string): string {
    const iv = this.#ivOf(Buffer.from(memoryId));
    const cipher = createCipheriv("aes-256-ctr", this.#cipherKey, iv);
    return Buffer.concat([iv, cipher.update(memoryId, "utf8"), cipher.final()]).toString("base64url");
  }

  idOf(name: string): string | undefined {
    if (!/^[A-Za-z0-9_-]+$/.test(name)) return undefined;
    const bytes = Buffer.from(name, "base64url");
    if (bytes.length <= IV_BYTES) return undefined;
    const iv = bytes.subarray(0, IV_BYTES);
    const decipher = createDecipheriv("aes-256-ctr", this.#cipherKey, iv);
    const id = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES)), decipher.final()]);
    return timingSafeEqual(this.#ivOf(id), iv) ? id.toString() : undefined;
  }

  /** Sealed names share no beginning. */
  beginningOf(): string {
    return "";
  }

  #ivOf(id: Buffer): Buffer {
    return createHmac("sha256", this.#macKey).update(id).digest().subarray(0, IV_BYTES);
  }
}
