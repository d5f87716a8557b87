import { inspect } from "node:util";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import { withRedaction } from "../src/index.ts";
import { rejectionOf } from "./support/stores.ts";

interface Said {
  text: string;
}

const CARD = "4111 1111 1111 1111";

describe("text that is redacted", () => {
  it("does not reach the store, neither by append nor by save", async () => {
    const store = new InMemoryBackend<Said>();
    const backend = withRedaction(store, async ({ text }) => ({ text: text.replaceAll(CARD, "…") }));
    await backend.append("alice", [{ text: `It is ${CARD}.` }]);
    await backend.save("bob", [{ text: CARD }, { text: "hello" }]);
    expect(await store.load("alice")).toEqual([{ text: "It is …." }]);
    expect(await backend.load("bob")).toEqual([{ text: "…" }, { text: "hello" }]);
  });

  it("is removed from a copy: the caller's records stay unchanged", async () => {
    const store = new InMemoryBackend<Said>();
    const backend = withRedaction(store, (record) => {
      record.text = "…";
      return record;
    });
    const said = { text: CARD };
    await backend.append("alice", [said]);
    expect(said).toEqual({ text: CARD });
    expect(await store.load("alice")).toEqual([{ text: "…" }]);
  });

  it("is not written if the redaction fails, and the error does not quote it", async () => {
    const store = new InMemoryBackend<Said>();
    const backend = withRedaction(store, ({ text }) => {
      throw new RangeError(text);
    });
    const error = await rejectionOf(backend.append("alice", [{ text: CARD }]));
    expect(error).toMatchObject({ code: "INVALID_RECORD", outcome: "not-applied", memoryId: "alice" });
    expect(String(error)).toContain("RangeError");
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(CARD);
    expect(await store.load("alice")).toBeNull();
  });

  it("is not written if the redaction returns something that is not a record", async () => {
    const store = new InMemoryBackend<Said>();
    const backend = withRedaction(store, () => undefined as unknown as Said);
    expect(await rejectionOf(backend.save("alice", [{ text: CARD }]))).toMatchObject({ code: "INVALID_RECORD" });
    expect(await store.load("alice")).toBeNull();
  });

  it("is not written if the redaction loses the id by which a turn is found again", async () => {
    const store = new InMemoryBackend<{ id?: string; text: string }>();
    const backend = withRedaction(store, ({ text }) => ({ text }));
    expect(await rejectionOf(backend.append("alice", [{ id: "m1", text: "x" }]))).toMatchObject({
      code: "INVALID_RECORD",
    });
    await backend.append("alice", [{ text: "x" }]);
    expect(await store.load("alice")).toEqual([{ text: "x" }]);
  });

  it("is not written after the call was aborted", async () => {
    const store = new InMemoryBackend<Said>();
    const controller = new AbortController();
    const reason = new Error("enough");
    const backend = withRedaction(store, (record) => {
      controller.abort(reason);
      return record;
    });
    expect(await rejectionOf(backend.append("alice", [{ text: "x" }], { signal: controller.signal }))).toBe(reason);
    expect(await store.load("alice")).toBeNull();
  });
});
