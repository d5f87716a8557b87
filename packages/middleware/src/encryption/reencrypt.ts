import { checkOptionNames, checkOptions, MemoryError, supports } from "@deep-agent/core/adapter";
import { type AnyBackend, whole } from "../layer/layer.ts";
import { type Encrypted, encryptedLayer } from "./with-encryption.ts";

/** The options of {@link reencrypt}. */
export interface ReencryptOptions {
  /**
   * Stops it: it rejects with the signal's reason. Memories that are already sealed stay so. Default: it runs to the
   * end.
   */
  signal?: AbortSignal | undefined;
  /** Called after each memory. Default: not reported. */
  onProgress?: ((progress: ReencryptProgress) => void) | undefined;
  /**
   * Says that nothing else writes to the store while this runs. Required for a backend without `log`, which cannot
   * write a memory on the condition that it is unchanged since it was read. Default `false`.
   */
  exclusive?: boolean | undefined;
}

/** How far {@link reencrypt} has come. */
export interface ReencryptProgress {
  /** How many memories the store has. */
  memories: number;
  /** How many of them were checked so far. */
  done: number;
  /** How many of those were sealed again. */
  changed: number;
}

/** How many times a memory is tried while others write to it. */
const MAX_TRIES = 20;

/**
 * Seals all records with the current key that are not sealed with it yet: those that an older key sealed, and with
 * `acceptPlaintext` those that are not encrypted. `backend` is what `withEncryption` returned, with no other layer
 * around it. If it was stopped, call it again: it continues where it stopped. Resolves with the final counts.
 *
 * A memory that only has records sealed with the current key is read and left alone. Any other memory is replaced,
 * which counts as a write: it moves to the front of `recent`, and its time to live begins again. On a backend with
 * `log`, the newest 64 appends stay known by their operation ids.
 *
 * Rejects with `DECRYPT` for a memory that cannot be opened, with `NOT_SUPPORTED` for a backend without `log` unless
 * `exclusive` is `true`, with `INVALID_ARGUMENT` if `backend` is not encrypted, and with `CONFLICT` for a memory that
 * changed at each of 20 tries.
 */
export async function reencrypt(backend: AnyBackend, options: ReencryptOptions = {}): Promise<ReencryptProgress> {
  checkOptions(options);
  const { signal, onProgress, exclusive = false } = options;
  checkOptionNames("reencrypt", options, ["signal", "onProgress", "exclusive"]);
  const layer = encryptedLayer(backend);
  if (layer === undefined) {
    throw new MemoryError(
      "INVALID_ARGUMENT",
      "The first argument of `reencrypt` is not a backend from withEncryption.",
      {
        hint: "Pass the backend that withEncryption returned, without another layer around it.",
      },
    );
  }
  if (!supports(layer.stored, "log") && !exclusive) {
    throw new MemoryError("NOT_SUPPORTED", "`reencrypt` could lose what others write: the backend has no log.", {
      hint: "Stop all writers, then set `exclusive: true`.",
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

/** Answers whether the memory was written again. */
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
      const condition = snapshot === null ? {} : { expectedRevision: snapshot.revision, keepOperations: true };
      await stored.save(memoryId, renewed, { ...condition, signal });
      return true;
    } catch (error) {
      // Another writer came first, so read the memory again.
      if (!MemoryError.is(error, "CONFLICT") || tries === MAX_TRIES) throw error;
    }
  }
}
