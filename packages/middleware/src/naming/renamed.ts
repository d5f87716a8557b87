import {
  type CallOptions,
  checkAppend,
  checkCall,
  checkList,
  checkRead,
  checkRecent,
  checkSave,
  errorWith,
  type ListOptions,
  MemoryError,
  quoteId,
  type RecentMemory,
} from "@deep-agent/core/adapter";
import { type AnyBackend, layered, type SameCapabilities, whole } from "../layer/layer.ts";
import { LongNames, type NameMapping } from "./name-mapping.ts";

/** What a label holds: the name as it would be if it were not too long. So where names are sealed, it is, too. */
interface Label {
  name: string;
}

/** A backend whose memories have other names in the store below. Errors and answers speak of the ids again. */
export function renamed<B extends AnyBackend>(backend: B, naming: NameMapping): SameCapabilities<B> {
  const inner = whole(backend);
  const names = new LongNames(naming);

  /** Calls with the name, where nothing is to be written. */
  async function reading<R>(memoryId: string, call: (name: string) => Promise<R>): Promise<R> {
    const { name } = names.nameOf(memoryId);
    return withOriginalId(memoryId, name, () => call(name));
  }

  /** The label is written before what it speaks of: killed in between, it speaks of nothing, which a list finds out. */
  async function writing<R>(
    memoryId: string,
    records: readonly object[],
    options: CallOptions,
    call: (name: string, records: readonly object[]) => Promise<R>,
  ): Promise<R> {
    const { name, whole, label } = names.nameOf(memoryId);
    if (label === undefined) return withOriginalId(memoryId, name, () => call(name, records));
    // As they are now: their caller may go on with its objects while this waits.
    const copies = structuredClone([...records]);
    await withOriginalId(memoryId, label, () =>
      inner.save(label, [{ name: whole } satisfies Label], { signal: options.signal }),
    );
    return withOriginalId(memoryId, name, () => call(name, copies));
  }

  async function remove(memoryId: string, options: CallOptions): Promise<void> {
    const { name, whole, label } = names.nameOf(memoryId);
    await withOriginalId(memoryId, name, () => inner.delete(name, options));
    if (label === undefined) return;
    await withOriginalId(memoryId, label, () => inner.delete(label, options));
    // Somebody may have begun the memory anew in between: it must not be without its label.
    if ((await withOriginalId(memoryId, name, () => inner.load(name, options))) !== null)
      await withOriginalId(memoryId, label, () => inner.save(label, [{ name: whole } satisfies Label], options));
  }

  /** `undefined`: it is no memory's name. */
  async function idOf(name: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const found = names.idOf(name);
    if (found === undefined || "memoryId" in found) return found?.memoryId;
    const [record] = (await inner.load(found.label, { signal })) ?? [];
    const { name: whole } = (record ?? {}) as Partial<Label>;
    const memoryId = typeof whole === "string" ? names.idOfWhole(whole) : undefined;
    return memoryId !== undefined && names.nameOf(memoryId).name === name ? memoryId : undefined;
  }

  async function list({ prefix = "", signal }: ListOptions): Promise<string[]> {
    const ids: string[] = [];
    for (const name of await inner.list({ prefix: names.beginningOf(prefix), signal })) {
      const memoryId = await idOf(name, signal);
      if (memoryId?.startsWith(prefix)) ids.push(memoryId);
    }
    return ids;
  }

  return layered(backend, {
    async load(memoryId, options) {
      checkCall(memoryId, options);
      return reading(memoryId, (name) => inner.load(name, options));
    },
    async save(memoryId, records, options = {}) {
      checkSave(memoryId, records, options);
      return writing(memoryId, records, options, (name, these) => inner.save(name, these, options));
    },
    async delete(memoryId, options = {}) {
      checkCall(memoryId, options);
      await remove(memoryId, options);
    },
    async list(options = {}) {
      checkList(options);
      return list(options);
    },
    async append(memoryId, records, options = {}) {
      checkAppend(memoryId, records, options);
      return writing(memoryId, records, options, (name, these) => inner.append(name, these, options));
    },
    async read(memoryId, options) {
      checkRead(memoryId, options);
      return reading(memoryId, (name) => inner.read(name, options));
    },
    async info(memoryId, options) {
      checkCall(memoryId, options);
      return reading(memoryId, (name) => inner.info(name, options));
    },
    async touch(memoryId, options = {}) {
      checkCall(memoryId, options);
      const { name, label } = names.nameOf(memoryId);
      if (label !== undefined) await withOriginalId(memoryId, label, () => inner.touch(label, options));
      await withOriginalId(memoryId, name, () => inner.touch(name, options));
    },
    async recent(options) {
      checkRecent(options);
      const { limit, prefix = "", signal } = options;
      const memories: RecentMemory[] = [];
      let cursor = options.cursor;
      do {
        const page = await inner.recent({
          limit: limit - memories.length,
          cursor,
          prefix: names.beginningOf(prefix),
          signal,
        });
        for (const { memoryId: name, updatedAt } of page.memories) {
          const memoryId = await idOf(name, signal);
          if (memoryId?.startsWith(prefix)) memories.push({ memoryId, updatedAt });
        }
        cursor = page.cursor ?? undefined;
      } while (memories.length < limit && cursor !== undefined);
      return { memories, cursor: cursor ?? null };
    },
  });
}

/** What a call of the store below rejects with speaks of the memory by its id. */
async function withOriginalId<R>(memoryId: string, name: string, call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (error) {
    if (!MemoryError.is(error) || error.memoryId !== name) throw error;
    const message = (text: string): string => text.replaceAll(quoteId(name), () => quoteId(memoryId));
    throw errorWith(error, { memoryId, message });
  }
}
