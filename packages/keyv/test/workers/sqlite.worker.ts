import { KeyvSqlite } from "@keyv/sqlite";
import { KeyvBackend } from "../../src/index.ts";

/** What the other process of the conformance kit calls. */
export const elsewhere: { open(uri: string, ttl: number | null): Promise<KeyvBackend<object>> } = {
  async open(uri, ttl) {
    const store = new KeyvSqlite({ uri, busyTimeout: 5_000 });
    await store.ready;
    return new KeyvBackend<object>({ store, namespace: "memories", ttl });
  },
};
