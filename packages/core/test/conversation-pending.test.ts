import { describe, expect, it } from "@jest/globals";
import { assistant, MemoryError } from "../src/index.ts";
import { appends, fail, ID, open, texts, turn } from "./support/conversations.ts";

describe("a turn that could not be stored", () => {
  it.each(["before", "after"] as const)(
    "stays pending and is stored once if the store failed %s it took effect",
    async (when) => {
      const { store, conversation } = open();
      await conversation.sync();
      const stop = fail(store, "append", when);
      await expect(conversation.commit(turn("one"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
      expect(conversation.pending).toBe(1);
      expect(texts(conversation.messages)).toEqual(["one", "re: one"]);
      stop();
      await conversation.flush();
      expect(conversation.pending).toBe(0);
      expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
    },
  );

  it("is tried again as the same operation, with the revision known before the first attempt", async () => {
    const { store, conversation } = open();
    const { conversation: theirs } = open(store);
    await theirs.commit(turn("zero"));
    await conversation.sync();
    const stop = fail(store, "append", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    await theirs.commit(turn("two"));
    await conversation.flush();
    const [, first, , again] = appends(store);
    expect(again?.operationId).toBe(first?.operationId);
    expect(again?.since).toBe(first?.since);
    expect(typeof first?.since).toBe("string");
    expect(texts(store.records(ID))).toEqual(["zero", "re: zero", "one", "re: one", "two", "re: two"]);
  });

  it("is stored before anything newer", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    await expect(conversation.commit(turn("two"))).rejects.toThrow();
    stop();
    await conversation.commit(turn("three"));
    expect(texts(store.records(ID))?.filter((text) => !String(text).startsWith("re:"))).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  it("is not kept if it can never be stored", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before", "RECORD_TOO_LARGE");
    await expect(conversation.commit(turn("long"))).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
    stop();
    await conversation.commit(turn("short"));
    expect(texts(store.records(ID))).toEqual(["short", "re: short"]);
  });

  it("is found by the next sync if only its reply was lost", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    const stop = fail(store, "append", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
    expect(conversation.pending).toBe(0);
  });

  it("stays pending if it is written but not durable, although a sync shows it, and is shown once", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    const stop = fail(store, "append", "after", "DURABILITY");
    await expect(conversation.commit(turn("one"))).rejects.toMatchObject({ code: "DURABILITY" });
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
    expect(conversation.pending).toBe(1);
    await expect(conversation.flush()).rejects.toMatchObject({ code: "DURABILITY" });
    stop();
    await conversation.flush();
    expect(conversation.pending).toBe(0);
    expect(appends(store).map(({ operationId }) => operationId)).toEqual(Array(3).fill(appends(store)[0]?.operationId));
    await conversation.commit(turn("two"));
    expect(texts(await conversation.sync())).toEqual(["one", "re: one", "two", "re: two"]);
    expect(texts(store.records(ID))).toEqual(["one", "re: one", "two", "re: two"]);
  });

  it("rejects each of several commits by its own turn", async () => {
    const { store, conversation } = open();
    store.around = async (method, call) => {
      const next = store.calls.at(-1);
      const refused = method === "append" && appends(store).length === 2;
      if (refused && next !== undefined) throw new MemoryError("RECORD_TOO_LARGE", "Too large.");
      return call();
    };
    const results = await Promise.allSettled([conversation.commit(turn("one")), conversation.commit(turn("two"))]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
  });
});

describe("a turn that another call's flush could never store", () => {
  it("rejects its own commit", async () => {
    const { store, conversation } = open();
    fail(store, "append", "before", "RECORD_TOO_LARGE");
    const flushed = conversation.flush();
    const committed = conversation.commit(turn("long"));
    await expect(flushed).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
    await expect(committed).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
    expect(conversation.pending).toBe(0);
  });
});

describe("a store that never accepts a turn", () => {
  it("does not keep it: the pending turn can be discarded", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    expect(conversation.discardPending().map(texts)).toEqual([["one", "re: one"]]);
    stop();
    await conversation.commit(turn("two"));
    expect(texts(store.records(ID))).toEqual(["two", "re: two"]);
  });

  it("that is replaced repeatedly does not block a commit for ever", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    store.around = async (method, call) => {
      if (method === "append") {
        store.around = (_method, next) => next();
        await store.save(ID, turn("summary"));
        store.around = again;
      }
      return call();
    };
    const again = store.around;
    await expect(conversation.commit(turn("one"))).rejects.toMatchObject({ code: "CONFLICT", retryable: true });
    expect(conversation.pending).toBe(1);
    store.around = (_method, call) => call();
    await conversation.flush();
    expect(texts(store.records(ID))).toEqual(["summary", "re: summary", "one", "re: one"]);
  });

  it("that is replaced during every read does not block a sync for ever", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 1 });
    await store.save(ID, [assistant("one"), assistant("two")]);
    store.around = async (method, call) => {
      const result = await call();
      return (method === "read" ? { ...(result as object), start: "gone" } : result) as never;
    };
    await expect(conversation.sync()).rejects.toMatchObject({ code: "UNAVAILABLE", retryable: true });
  });

  it("whose pages do not end is named as corrupt", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 1 });
    await store.save(ID, [assistant("one"), assistant("two")]);
    store.around = async (method, call) => {
      const result = await call();
      return (method === "read" ? { ...(result as object), start: "again", reset: false } : result) as never;
    };
    await expect(conversation.sync()).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe("deleting a conversation", () => {
  it("empties the store, the window and the pending turns", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    conversation.hold(turn("two"));
    await conversation.delete();
    expect(store.records(ID)).toBeNull();
    expect(conversation.messages).toEqual([]);
    await conversation.flush();
    expect(store.records(ID)).toBeNull();
    await conversation.commit(turn("three"));
    expect(store.records(ID)).toHaveLength(2);
  });

  it("changes nothing if it fails", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    conversation.hold(turn("two"));
    const stop = fail(store, "delete", "before");
    await expect(conversation.delete()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    stop();
    expect(conversation.pending).toBe(1);
    expect(conversation.messages).toHaveLength(4);
  });
});

describe("a turn that is committed while the memory is being deleted", () => {
  it("is stored after the deletion", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    const deleted = conversation.delete();
    await conversation.commit(turn("two"));
    await deleted;
    expect(texts(store.records(ID))).toEqual(["two", "re: two"]);
    expect(conversation.pending).toBe(0);
  });
});
