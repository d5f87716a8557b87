import { checkAppend, checkSave, cleanCause, MemoryError, quoteId, type SaveOptions } from "@deep-agent/core/adapter";
import { checkLayer, invalidConfig } from "../layer/check-options.ts";
import { type AnyBackend, layered, type SameCapabilities, whole } from "../layer/layer.ts";

/**
 * Returns the record to store instead of the given one. The given record is a copy, which may be changed and returned.
 */
export type Redact<T extends object> = (record: T) => T | Promise<T>;

/** The record type of a backend. */
type RecordOf<B> = B extends { load(memoryId: string): Promise<(infer T extends object)[] | null> } ? T : never;

/**
 * Passes every record through `redact` before it is stored, to remove what must not be kept, such as card numbers.
 * Reads return what was stored. The agent that wrote a turn has the original in RAM until it reads the turn back. A
 * record must keep its `id`, by which its turn is found again.
 *
 * ```ts
 * const discreet = withRedaction(backend, (message) => ({ ...message, metadata: {} }));
 * ```
 *
 * `redactText` makes such a function of patterns.
 *
 * If `redact` throws or changes an `id`, nothing is written: `INVALID_RECORD`, without the message of the thrown error,
 * which may quote what was said. Throws `INVALID_CONFIG`.
 */
export function withRedaction<B extends AnyBackend>(backend: B, redact: Redact<RecordOf<B>>): SameCapabilities<B> {
  checkLayer("withRedaction", backend);
  if (typeof redact !== "function") throw invalidConfig("withRedaction", "its second argument is not a function");
  const inner = whole(backend);

  async function redacted(memoryId: string, texts: readonly string[], { signal }: SaveOptions): Promise<object[]> {
    const records: object[] = [];
    for (const text of texts) {
      signal?.throwIfAborted();
      const record = JSON.parse(text) as RecordOf<B>; // the text of such a record
      const { id } = record as { id?: unknown };
      records.push(await redactedOne(memoryId, record));
      if (id !== undefined && (records.at(-1) as { id?: unknown } | undefined)?.id !== id)
        throw refused(memoryId, "its redaction changed an `id`, by which turns are found again");
    }
    signal?.throwIfAborted();
    return records;
  }

  async function redactedOne(memoryId: string, record: RecordOf<B>): Promise<object> {
    try {
      return await redact(record);
    } catch (error) {
      const cause = cleanCause(error, () => "(message omitted: it may quote what was said)");
      throw refused(memoryId, `its redaction failed (${cause.name})`, cause);
    }
  }

  const passedOn = [
    "load",
    "delete",
    "list",
    "read",
    "ping",
    "close",
    Symbol.asyncDispose,
    "info",
    "recent",
    "touch",
  ] as const;
  return layered(backend, passedOn, {
    async save(memoryId, records, options = {}) {
      const texts = checkSave(memoryId, records, options);
      const own = { ...options }; // the caller may change its options meanwhile
      await inner.save(memoryId, await redacted(memoryId, texts, own), own);
    },
    async append(memoryId, records, options = {}) {
      const texts = checkAppend(memoryId, records, options);
      const own = { ...options };
      return inner.append(memoryId, await redacted(memoryId, texts, own), own);
    },
  });
}

function refused(memoryId: string, problem: string, cause?: Error): MemoryError {
  return new MemoryError("INVALID_RECORD", `Nothing was written to memory ${quoteId(memoryId)}: ${problem}.`, {
    memoryId,
    hint: "Check the function that was passed to withRedaction.",
    cause,
  });
}
