import { type MemoryBackend, MemoryError } from "@deep-agent/core";
import type { Capabilities } from "@deep-agent/core/adapter";
import type { KitRecord } from "../../src/kit-records.ts";
import type { Store } from "./store.ts";

type All = Capabilities<KitRecord>;

/** A backend with every capability. */
export type Full = MemoryBackend<KitRecord> &
  All["log"] &
  All["health"] &
  All["lifecycle"] &
  All["info"] &
  All["catalogue"] &
  All["expiry"];

/** A correct backend on a store that other instances may use, too. Closing it does not close the store. */
export function instanceOn(store: Store): Full {
  const { memories } = store;
  let isClosed = false;
  const open = (): void => {
    if (isClosed) throw new MemoryError("CLOSED", "This instance was closed.");
  };
  const close = async (): Promise<void> => {
    isClosed = true;
  };
  store.instances += 1;
  return {
    async load(...args) {
      open();
      return memories.load(...args);
    },
    async save(...args) {
      open();
      return memories.save(...args);
    },
    async delete(...args) {
      open();
      return memories.delete(...args);
    },
    async list(...args) {
      open();
      return memories.list(...args);
    },
    async append(...args) {
      open();
      return memories.append(...args);
    },
    async read(...args) {
      open();
      return memories.read(...args);
    },
    async ping(...args) {
      open();
      return memories.ping(...args);
    },
    async info(...args) {
      open();
      return memories.info(...args);
    },
    async recent(...args) {
      open();
      return memories.recent(...args);
    },
    async touch(...args) {
      open();
      return memories.touch(...args);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
