import { checkOptionNames, checkOptions, MemoryError, supports } from "@deep-agent/core/adapter";
import { type AnyBackend, whole } from "../layer/layer.ts";
import { type Encrypted, encryptedLayer } from "./with-encryption.ts";

export interface ReencryptOptions {
  signal?: AbortSignal | undefined;
  /** Called after each memory. */
  onProgress?: ((progress: ReencryptProgress) => void) | undefined;
  /**
   * Says that nobody writes meanwhile. Needed for a backend without `log`, whose memories cannot be written on the
   * condition that they are as they were read.
   */
  exclusive?: boolean | undefined;
}

export interface ReencryptProgress {
  /** How many memories there are. */
  memories: number;
  /** How many were looked at. */
  done: number;
  /** How many of those were written again. */
  changed: number;
}

/** How often a memory that others write to meanwhile is tried. */
const MAX_TRIES = 20;

/**
 * Seals everything with the current key that is not: what older keys sealed, and with `acceptPlaintext` what nobody
 * did. `backend` is what `withEncryption` gave, with no other layer around it. Again, after it was stopped: it goes
 * on where it was.
 *
 * A memory that is sealed with the current key alone is only read. Any other is replaced, which counts as a write: it
 * moves to the front of `recent`, and its time to live begins again. Rejects with `DECRYPT` for a memory that cannot
 * be opened, and with `NOT_SUPPORTED` for a backend without `log` unless `exclusive` is said.
 */
export async function reencrypt(backend: AnyBackend, options: ReencryptOptions = {}): Promise<ReencryptProgress> {
  checkOptions(options);
  const { signal, onProgress, exclusive = false } = options;
  checkOptionNames("reencrypt", options, ["signal", "onProgress", "exclusive"]);
  const layer = encryptedLayer(backend);
  if (layer === undefined) {
    throw new MemoryError("INVALID_ARGUMENT", "`reencrypt` was given something else than what withEncryption gave.", {
      hint: "Give it that backend itself, without another layer around it.",
    });
  }
  if (!supports(layer.stored, "log") && !exclusive) {
    throw new MemoryError("NOT_SUPPORTED", "Without a log, a write by others meanwhile would be lost.", {
      hint: "Stop what writes, and say `exclusive: true`.",
    });
  }
  const memoryIds = await layer.stored.list({ signal });
  const progress = { memories: memoryIds.length, done: 0, changed: 0 };
  for (const memoryId of memoryIds) {
    if (await reencryptOne(layer, memoryId, signal)) progress.changed += 1;
    progress.done += 1;
    onProgress?.({ ...progress });
  }
  return progress;
}

/** Whether it was written again. */
async function reencryptOne(layer: Encrypted, memoryId: string, signal: AbortSignal | undefined): Promise<boolean> {
  const cipher = layer.cipherOf(memoryId);
  const stored = whole(layer.stored);
  const hasLog = supports(layer.stored, "log");
  for (let tries = 1; ; tries++) {
    const snapshot = hasLog ? await stored.read(memoryId, { signal }) : null;
    const records = hasLog ? (snapshot?.records ?? null) : await stored.load(memoryId, { signal });
    if (records === null || records.every((record) => cipher.isCurrent(record))) return false;
    const renewed = records.map((record) => cipher.seal(JSON.stringify(cipher.open(record))));
    try {
      const condition = snapshot === null ? {} : { expectedRevision: snapshot.revision };
      await stored.save(memoryId, renewed, { ...condition, signal });
      return true;
    } catch (error) {
      // Somebody wrote meanwhile: it is read again.
      if (!MemoryError.is(error, "CONFLICT") || tries === MAX_TRIES) throw error;
    }
  }
}
