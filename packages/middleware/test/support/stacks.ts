import type { MemoryBackend } from "@deep-agent/core";
import type { LogCapability } from "@deep-agent/core/adapter";
import {
  withEncryption,
  withFallback,
  withPrefix,
  withRedaction,
  withRetention,
  withRetry,
  withTimeout,
} from "../../src/index.ts";
import { ID_KEY, KEY, OTHER_KEY } from "./keys.ts";

type AnyBackend = MemoryBackend<object>;
export type LogBackend = AnyBackend & LogCapability<object>;

/** Puts layers around a store. */
export type Stack = (store: AnyBackend) => AnyBackend;

const keys = { keys: { old: OTHER_KEY, new: KEY }, current: "new" };

/** Each layer alone. */
export const layers: Record<string, Stack> = {
  prefix: (store) => withPrefix(store, "acme"),
  encryption: (store) => withEncryption(store, keys),
  "encryption, of ids too": (store) => withEncryption(store, { ...keys, idKey: ID_KEY }),
  redaction: (store) => withRedaction(store, (record) => record),
  retention: (store) => withRetention(store, { maxRecords: 100_000 }),
  timeout: (store) => withTimeout(store, 60_000),
  retry: (store) => withRetry(store),
};

/** Layers around layers. The fallback needs a store of its own. */
export const stacks: Record<string, (store: AnyBackend, spare: AnyBackend) => AnyBackend> = {
  fallback: (store, spare) => withFallback(store as LogBackend, spare as LogBackend),
  "encryption over fallback over prefix": (store, spare) =>
    withEncryption(
      withFallback(withPrefix(store as LogBackend, "acme"), withPrefix(spare as LogBackend, "acme")),
      keys,
    ),
  "prefix over encryption of ids over retry over timeout": (store) =>
    withPrefix(withEncryption(withRetry(withTimeout(store, 60_000)), { ...keys, idKey: ID_KEY }), "acme"),
  "redaction over retention over fallback of encrypted stores": (store, spare) =>
    withRedaction(
      withRetention(
        withFallback(withEncryption(store as LogBackend, keys), withEncryption(spare as LogBackend, keys)),
        { maxRecords: 100_000 },
      ),
      (record) => record,
    ),
  "a part of a part": (store) => withPrefix(withPrefix(store, "acme"), "sales"),
};
