import { describe, expect, it } from "@jest/globals";
import { assistant, user } from "../src/index.ts";
import { ID, open, texts, turn } from "./support/conversations.ts";

describe("the window of a conversation", () => {
  it("begins at a turn, and pages back to find one", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 3 });
    const long = [user("question"), ...Array.from({ length: 10 }, (_, index) => assistant(`part ${index}`))];
    await store.save(ID, [...turn("old"), ...long]);
    expect(texts(await conversation.sync())).toEqual(texts(long));
  });

  it("is the whole log if the log is shorter", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 5 });
    const greeting = [assistant("How can I help?"), ...turn("hello")];
    await store.save(ID, greeting);
    expect(await conversation.sync()).toEqual(greeting);
  });

  it("stays within its limits as turns come", async () => {
    const { conversation } = open(undefined, { maxMessages: 4 });
    for (let index = 0; index < 5; index++) {
      await conversation.commit(turn(`turn ${index}`));
      expect((await conversation.sync()).length).toBeLessThanOrEqual(4);
    }
    expect(texts(conversation.messages)).toEqual(["turn 3", "re: turn 3", "turn 4", "re: turn 4"]);
  });

  it("reads more when its limits are raised", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 2 });
    for (let index = 0; index < 3; index++) await store.append(ID, turn(`turn ${index}`));
    expect(await conversation.sync()).toHaveLength(2);
    conversation.setLimits({ maxMessages: Number.POSITIVE_INFINITY });
    expect(await conversation.sync()).toHaveLength(6);
  });

  it.each([0, -1, 1.5, Number.NaN, "20" as never])("refuses %p messages", (maxMessages) => {
    expect(() => open(undefined, { maxMessages })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});

describe("clearing a conversation", () => {
  it("works before anything was read, and if the window is read again", async () => {
    const { store, conversation } = open();
    await store.append(ID, turn("old"));
    conversation.clear();
    expect(await conversation.sync()).toEqual([]);
    await store.append(ID, turn("new"));
    conversation.setLimits({ maxMessages: 50 });
    expect(texts(await conversation.sync())).toEqual(["new", "re: new"]);
    expect(texts(await conversation.reload())).toEqual(["old", "re: old", "new", "re: new"]);
  });

  it("empties the window, keeps the store, and does not bring back earlier turns", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("zero"));
    await conversation.sync();
    await conversation.commit(turn("one"));
    conversation.clear();
    expect(conversation.messages).toEqual([]);
    expect(await conversation.sync()).toEqual([]);
    await conversation.commit(turn("two"));
    expect(texts(await conversation.sync())).toEqual(["two", "re: two"]);
    expect(store.records(ID)).toHaveLength(6);
    expect(await conversation.reload()).toHaveLength(6);
  });

  it("keeps pending turns for the store", async () => {
    const { store, conversation } = open();
    conversation.hold(turn("one"));
    conversation.clear();
    expect(conversation.messages).toEqual([]);
    await conversation.flush();
    expect(store.records(ID)).toHaveLength(2);
    expect(await conversation.sync()).toEqual([]);
  });
});

describe("the search for the window's beginning", () => {
  it("reads a long turn in pages that are larger than the window", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 1 });
    const long = [user("question"), ...Array.from({ length: 2_000 }, () => assistant("part"))];
    await store.save(ID, long);
    store.calls.length = 0;
    expect(await conversation.sync()).toHaveLength(long.length);
    expect(store.calls.length).toBeLessThan(12);
  });
});
