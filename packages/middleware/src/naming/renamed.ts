import { checkAppend, checkCall, checkList, checkRead, checkRecent, checkSave } from "@deep-agent/core/adapter";
import { type AnyBackend, layered, type SameCapabilities, whole } from "../layer/layer.ts";
import type { NameMapping } from "./name-mapping.ts";
import { RenamedMemories } from "./renamed-memories.ts";

/**
 * A backend whose memories have other names in the store below. Errors and answers still use the ids. A call that waits
 * for a label has a copy of its options: the caller may change them meanwhile.
 */
export function renamed<B extends AnyBackend>(backend: B, mapping: NameMapping): SameCapabilities<B> {
  const inner = whole(backend);
  const memories = new RenamedMemories(inner, mapping);
  return layered(backend, ["ping", "close", Symbol.asyncDispose], {
    async load(memoryId, options) {
      checkCall(memoryId, options);
      return memories.read(memoryId, (name) => inner.load(name, options));
    },
    async save(memoryId, records, options = {}) {
      checkSave(memoryId, records, options);
      const own = { ...options };
      return memories.write(memoryId, records, own, (name, these) => inner.save(name, these, own));
    },
    async delete(memoryId, options = {}) {
      checkCall(memoryId, options);
      await memories.delete(memoryId, { ...options });
    },
    async list(options = {}) {
      checkList(options);
      return memories.list(options);
    },
    async append(memoryId, records, options = {}) {
      checkAppend(memoryId, records, options);
      const own = { ...options };
      return memories.write(memoryId, records, own, (name, these) => inner.append(name, these, own));
    },
    async read(memoryId, options) {
      checkRead(memoryId, options);
      return memories.read(memoryId, (name) => inner.read(name, options));
    },
    async info(memoryId, options) {
      checkCall(memoryId, options);
      return memories.read(memoryId, (name) => inner.info(name, options));
    },
    async recent(options) {
      checkRecent(options);
      return memories.recent(options);
    },
    async touch(memoryId, options = {}) {
      checkCall(memoryId, options);
      await memories.touch(memoryId, { ...options });
    },
  });
}
