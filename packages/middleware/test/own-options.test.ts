import { MemoryError } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { withFallback, withPrefix, withRedaction, withRetry } from "../src/index.ts";

/** A store that fails once, with an error after which the call may be made again. */
function failingOnce(): InMemoryBackend<object> {
  const store = new InMemoryBackend<object>();
  const append = store.append.bind(store);
  let attempts = 0;
  store.append = async (...args) => {
    attempts += 1;
    if (attempts === 1) throw new MemoryError("UNAVAILABLE", "The store is away.", { retryable: true });
    return append(...args);
  };
  return store;
}

describe("options that their caller changes while a call waits do not change the call", () => {
  it.each([
    ["a retry", () => withRetry(failingOnce(), { pauseMs: 1 })],
    ["a redaction", () => withRedaction(new InMemoryBackend<object>(), async (record) => record)],
    ["a fallback", () => withFallback(new InMemoryBackend<object>(), new InMemoryBackend<object>())],
    ["a prefix", () => withPrefix(new InMemoryBackend<object>(), "acme")],
  ])("of %s", async (_layer, open) => {
    const backend = open();
    // So long an id has a label beside it, which is written first.
    const id = "m".repeat(1_024);
    const options = { operationId: "op", since: null };
    const appended = backend.append(id, [{ n: 1 }], options);
    Object.assign(options, { operationId: "another", since: "x" });
    const revision = await appended;
    expect(await backend.append(id, [{ n: 1 }], { operationId: "op", since: null })).toBe(revision);
    expect(await backend.load(id)).toEqual([{ n: 1 }]);
  });
});
