import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { KeyvBackend } from "../../src/index.ts";

/** What the other process of the conformance kit calls. */
export const elsewhere: { open(url: string, namespace: string, ttl?: number): KeyvBackend<object> } = {
  open(url, namespace, ttl) {
    const keyv = new Keyv({ store: new KeyvRedis(url), namespace, ...(ttl !== undefined && { ttl }) });
    keyv.on("error", (error) => console.error(error));
    return new KeyvBackend<object>(keyv);
  },
};
