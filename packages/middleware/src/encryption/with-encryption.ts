import { checkAppend, checkCall, checkRead, checkSave, type MemoryBackend } from "@deep-agent/core/adapter";
import { checkLayer, invalidConfig } from "../layer/check-options.ts";
import { type AnyBackend, layered, type SameCapabilities, whole } from "../layer/layer.ts";
import { renamed } from "../naming/renamed.ts";
import { KeyRing, type Secret, secretKey } from "./key-ring.ts";
import { RecordCipher } from "./record-cipher.ts";
import { SealedNames } from "./sealed-names.ts";

/** The options of {@link withEncryption}. */
export interface EncryptionOptions {
  /**
   * The keys by name: the one for new records, and every key that existing records are still sealed with. The name of
   * its key is stored with each record, unencrypted.
   */
  keys: Readonly<Record<string, Secret>>;
  /** The name of the key that seals new records. */
  current: string;
  /** Seals the ids of memories with this key, too. It cannot be changed later. Default: ids are stored unencrypted. */
  idKey?: Secret | undefined;
  /**
   * Whether an unencrypted record is read as it is, for a store that had records before. Default `false`: reading one
   * rejects with `DECRYPT`.
   */
  acceptPlaintext?: boolean | undefined;
}

/** What {@link reencrypt} needs to know about a backend from {@link withEncryption}. */
export interface Encrypted {
  /** The store below, with sealed records. */
  stored: MemoryBackend<object>;
  cipherOf(memoryId: string): RecordCipher;
}

const layers = new WeakMap<object, Encrypted>();

/** `undefined` if the backend is not from {@link withEncryption}. */
export function encryptedLayer(backend: object): Encrypted | undefined {
  return layers.get(backend);
}

/**
 * Stores every record encrypted and authenticated: AES-256-GCM, with a key derived for each memory. A record that was
 * changed, or moved to another memory, cannot be opened: `DECRYPT`. It is not noticed if records are removed from a
 * memory, or put in another order within it.
 *
 * ```ts
 * const sealed = withEncryption(backend, { keys: { "2026": process.env.MEMORY_KEY }, current: "2026" });
 * ```
 *
 * To change keys, add one, make it `current`, and run {@link reencrypt}; then remove the old one. Throws
 * `INVALID_CONFIG`.
 */
export function withEncryption<B extends AnyBackend>(backend: B, options: EncryptionOptions): SameCapabilities<B> {
  checkLayer("withEncryption", backend, options, ["keys", "current", "idKey", "acceptPlaintext"]);
  const { keys, current, idKey, acceptPlaintext = false } = options;
  if (typeof acceptPlaintext !== "boolean")
    throw invalidConfig("withEncryption", "`acceptPlaintext` must be true or false");
  const ring = new KeyRing(keys, current);
  const stored = idKey === undefined ? backend : renamed(backend, new SealedNames(secretKey("`idKey`", idKey)));
  const inner = whole(stored as AnyBackend); // it has the same methods as `backend`
  const cipherOf = (memoryId: string): RecordCipher => new RecordCipher(ring, memoryId, acceptPlaintext);

  const passedOn = ["delete", "list", "ping", "close", Symbol.asyncDispose, "info", "recent", "touch"] as const;
  const layer: SameCapabilities<B> = layered(stored as B, passedOn, {
    async load(memoryId, options) {
      checkCall(memoryId, options);
      const records = await inner.load(memoryId, options);
      return records && opened(cipherOf(memoryId), records);
    },
    async save(memoryId, records, options) {
      const texts = checkSave(memoryId, records, options);
      await inner.save(memoryId, sealed(cipherOf(memoryId), texts), options);
    },
    async append(memoryId, records, options) {
      const texts = checkAppend(memoryId, records, options);
      return inner.append(memoryId, sealed(cipherOf(memoryId), texts), options);
    },
    async read(memoryId, options) {
      checkRead(memoryId, options);
      const snapshot = await inner.read(memoryId, options);
      return snapshot && { ...snapshot, records: opened(cipherOf(memoryId), snapshot.records) };
    },
  });
  layers.set(layer, { stored: inner, cipherOf });
  return layer;
}

function sealed(cipher: RecordCipher, texts: readonly string[]): object[] {
  return texts.map((text) => cipher.seal(text));
}

function opened(cipher: RecordCipher, records: readonly object[]): object[] {
  return records.map((record) => cipher.open(record));
}
