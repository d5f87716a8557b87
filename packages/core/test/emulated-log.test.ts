import { describe, expect, it } from "@jest/globals";
import { assistant, Conversation, type Message, user } from "../src/index.ts";
import { fail, ID, texts, turn } from "./support/conversations.ts";
import { plain, ReferenceLog } from "./support/reference-log.ts";
import { bare } from "./support/scripted-model.ts";

describe("a backend of four methods", () => {
  function openPlain() {
    const store = new ReferenceLog();
    const backend = plain(store);
    return { store, backend, conversation: new Conversation({ memoryId: ID, backend }) };
  }

  it("serves a conversation with load and save", async () => {
    const { store, conversation } = openPlain();
    await conversation.sync();
    await conversation.commit(turn("one"));
    await conversation.commit(turn("two"));
    expect(texts(await conversation.sync())).toEqual(["one", "re: one", "two", "re: two"]);
    expect(new Set(store.calls.map(({ method }) => method))).toEqual(new Set(["load", "save"]));
  });

  it("keeps the turns of conversations that write at the same time", async () => {
    const { store, backend } = openPlain();
    const conversations = Array.from({ length: 10 }, () => new Conversation({ memoryId: ID, backend }));
    await Promise.all(conversations.map((conversation, index) => conversation.commit(turn(`turn ${index}`))));
    const stored = texts(store.records(ID)) ?? [];
    expect(stored).toHaveLength(20);
    expect(new Set(stored).size).toBe(20);
  });

  it("recognises a turn whose reply was lost by the ids of its messages", async () => {
    const { store, conversation } = openPlain();
    const stop = fail(store, "save", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    await conversation.flush();
    expect(store.records(ID)).toHaveLength(2);
  });

  it("starts over if the log was replaced, and reports an overwritten turn", async () => {
    const { store, backend } = openPlain();
    const reported: object[] = [];
    const conversation = new Conversation({
      memoryId: ID,
      backend,
      onRegression: (regression) => reported.push(regression),
    });
    await store.save(ID, turn("zero"));
    await conversation.sync();
    await store.save(ID, turn("other"));
    expect(texts(await conversation.sync())).toEqual(["other", "re: other"]);
    expect(reported).toEqual([]);
    const before = store.records(ID) as Message[];
    await conversation.commit(turn("ours"));
    await store.save(ID, [...before, ...turn("another process")]); // loaded before this conversation saved
    await conversation.sync();
    expect(reported).toEqual([{ memoryId: ID }]);
  });

  it("does not bring back a memory that is deleted while a turn is appended", async () => {
    const { store, backend } = openPlain();
    const [ours, theirs] = [0, 1].map(() => new Conversation({ memoryId: ID, backend })) as [
      Conversation,
      Conversation,
    ];
    await store.save(ID, turn("old secret"));
    const loaded = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    store.around = async (method, call) => {
      const result = await call();
      if (method === "load") {
        loaded.resolve();
        await gate.promise;
      }
      return result;
    };
    const committed = ours.commit(turn("new"));
    await loaded.promise;
    const deleted = theirs.delete();
    gate.resolve();
    await Promise.all([committed, deleted]);
    expect(texts(store.records(ID)) ?? []).not.toContain("old secret");
  });

  it("reports no conflict if it changes the order of keys", async () => {
    const { backend } = openPlain();
    const reordering = {
      ...backend,
      load: async (id: string) =>
        (await backend.load(id))?.map(
          (message) => Object.fromEntries(Object.entries(message).sort().reverse()) as unknown as Message,
        ) ?? null,
    };
    const conversation = new Conversation({ memoryId: ID, backend: reordering, onConflict: "throw" });
    await conversation.sync();
    for (const text of ["one", "two"]) await conversation.commit(turn(text));
    expect(await conversation.sync()).toHaveLength(4);
  });

  it("throws CONFLICT under the policy 'throw'", async () => {
    const { store, backend } = openPlain();
    const conversation = new Conversation({ memoryId: ID, backend, onConflict: "throw" });
    await conversation.sync();
    await store.save(ID, turn("theirs"));
    await expect(conversation.commit(turn("ours"))).rejects.toMatchObject({ code: "CONFLICT" });
    await conversation.sync();
    await conversation.commit(turn("ours"));
    expect(store.records(ID)?.map(bare)).toHaveLength(4);
  });

  it("pages back through a log that is longer than the window", async () => {
    const { store, backend } = openPlain();
    const conversation = new Conversation({ memoryId: ID, backend, maxMessages: 2 });
    const long = [user("question"), ...Array.from({ length: 7 }, (_, index) => assistant(`part ${index}`))];
    await store.save(ID, [...turn("old"), ...long]);
    expect(await conversation.sync()).toEqual(long);
  });
});
