import {
  type CallOptions,
  errorWith,
  type ListOptions,
  MemoryError,
  quoteId,
  type RecentMemory,
  type RecentOptions,
  type RecentPage,
  withUnknownOutcome,
} from "@deep-agent/core/adapter";
import type { WholeBackend } from "../layer/layer.ts";
import { LongNames, type NameMapping } from "./name-mapping.ts";
import { NamesRead } from "./names-read.ts";

/** The record of a label: the whole name, before it was cut. If names are sealed, this one is, too. */
interface Label {
  name: string;
}

/** The memories of a store, by ids that differ from their names there. Its arguments are already checked. */
export class RenamedMemories {
  readonly #store: WholeBackend;
  readonly #names: LongNames;

  constructor(store: WholeBackend, mapping: NameMapping) {
    this.#store = store;
    this.#names = new LongNames(mapping);
  }

  /** Makes a call that writes nothing, under the memory's name. */
  async read<R>(memoryId: string, call: (name: string) => Promise<R>): Promise<R> {
    const { name } = this.#names.nameOf(memoryId);
    return withOriginalId(memoryId, name, () => call(name));
  }

  /**
   * Makes a call that writes, under the memory's name. The label is written first. If the process is killed in between,
   * there is a label without its memory, which `list` ignores.
   */
  async write<R>(
    memoryId: string,
    records: readonly object[],
    { signal }: CallOptions,
    call: (name: string, records: readonly object[]) => Promise<R>,
  ): Promise<R> {
    const { name, whole, label } = this.#names.nameOf(memoryId);
    if (label === undefined) return withOriginalId(memoryId, name, () => call(name, records));
    // A copy: the caller may change its objects while this waits.
    const copies = structuredClone([...records]);
    await this.#saveLabel(memoryId, label, whole, { signal });
    return withOriginalId(memoryId, name, () => call(name, copies));
  }

  async delete(memoryId: string, options: CallOptions): Promise<void> {
    const { name, whole, label } = this.#names.nameOf(memoryId);
    await withOriginalId(memoryId, name, () => this.#store.delete(name, options));
    if (label === undefined) return;
    try {
      await withOriginalId(memoryId, label, () => this.#store.delete(label, options));
      // Another writer may have created the memory again in between. It must not be without its label.
      if ((await withOriginalId(memoryId, name, () => this.#store.load(name, options))) !== null)
        await this.#saveLabel(memoryId, label, whole, options);
    } catch (error) {
      // The memory itself was deleted.
      throw withUnknownOutcome(error, options.signal);
    }
  }

  async touch(memoryId: string, options: CallOptions): Promise<void> {
    const { name, label } = this.#names.nameOf(memoryId);
    if (label !== undefined) await withOriginalId(memoryId, label, () => this.#store.touch(label, options));
    await withOriginalId(memoryId, name, () => this.#store.touch(name, options));
  }

  async list({ prefix = "", signal }: ListOptions): Promise<string[]> {
    const ids: string[] = [];
    const names = this.#newNames();
    for (const name of await this.#store.list({ prefix: this.#names.beginningOf(prefix), signal })) {
      const memoryId = await this.#idOf(name, names, signal);
      if (memoryId?.startsWith(prefix)) ids.push(memoryId);
    }
    names.report(true);
    return ids;
  }

  async recent({ limit, prefix = "", signal, cursor: begin }: RecentOptions): Promise<RecentPage> {
    const memories: RecentMemory[] = [];
    const names = this.#newNames();
    let cursor = begin;
    do {
      const page = await this.#store.recent({
        limit: limit - memories.length,
        cursor,
        prefix: this.#names.beginningOf(prefix),
        signal,
      });
      for (const { memoryId: name, updatedAt } of page.memories) {
        const memoryId = await this.#idOf(name, names, signal);
        if (memoryId?.startsWith(prefix)) memories.push({ memoryId, updatedAt });
      }
      cursor = page.cursor ?? undefined;
    } while (memories.length < limit && cursor !== undefined);
    names.report(begin === undefined && cursor === undefined);
    return { memories, cursor: cursor ?? null };
  }

  #newNames(): NamesRead {
    return new NamesRead(this.#store.name, this.#names.unreadable);
  }

  #saveLabel(memoryId: string, label: string, whole: string, options: CallOptions): Promise<void> {
    const record: Label = { name: whole };
    return withOriginalId(memoryId, label, () => this.#store.save(label, [record], options));
  }

  /** `undefined` if this is not the name of a memory. */
  async #idOf(name: string, names: NamesRead, signal: AbortSignal | undefined): Promise<string | undefined> {
    const found = this.#names.idOf(name);
    if (found === "label") return undefined;
    if ("memoryId" in found) return names.count(found.memoryId);
    const [record] = (await this.#store.load(found.label, { signal })) ?? [];
    if (record === undefined) return undefined; // deleted meanwhile
    const { name: whole } = record as Partial<Label>;
    const memoryId = typeof whole === "string" ? this.#names.idOfWhole(whole) : undefined;
    return names.count(memoryId !== undefined && this.#names.nameOf(memoryId).name === name ? memoryId : undefined);
  }
}

/** Makes a call of the store. An error of it names the memory by its id again. */
async function withOriginalId<R>(memoryId: string, name: string, call: () => Promise<R>): Promise<R> {
  try {
    return await call();
  } catch (error) {
    if (!MemoryError.is(error) || error.memoryId !== name) throw error;
    const message = (text: string): string => text.replaceAll(quoteId(name), () => quoteId(memoryId));
    throw errorWith(error, { memoryId, message });
  }
}
