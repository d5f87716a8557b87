import { describe, expect, it } from "@jest/globals";
import { assistant, Conversation, type Message, user } from "../src/index.ts";
import { appends, fail, ID, open, texts, turn } from "./support/conversations.ts";
import { plain, ReferenceLog } from "./support/reference-log.ts";

const refused = (...ids: string[]) =>
  expect.objectContaining({
    code: "INVALID_ARGUMENT",
    outcome: "not-applied",
    memoryId: ID,
    message: expect.stringMatching(new RegExp(ids.map((id) => `\\b${id}\\b`).join(".*"))),
  });

function named(id: string, text = id): Message[] {
  return [user(text, { id: `${id}-q` }), assistant(`re: ${text}`, { id: `${id}-a` })];
}

describe("a history that is committed again with the new turn is refused, and not stored twice", () => {
  it.each<[string, (conversation: Conversation) => Promise<unknown>]>([
    ["was committed by this conversation", async () => undefined],
    ["was committed and read back", (conversation) => conversation.sync()],
  ])("if it %s", async (_how, then) => {
    const { store, conversation } = open();
    await conversation.commit(named("one"));
    await then(conversation);
    const history = conversation.messages;
    await expect(conversation.commit([...history, ...named("two")])).rejects.toEqual(
      refused("0", "one-q", "1", "one-a"),
    );
    expect(() => conversation.hold([...history, ...named("two")])).toThrow(refused("one-q", "one-a"));
    expect(conversation.pending).toBe(0);
    await conversation.commit(named("two"));
    expect(texts(store.records(ID))).toEqual(["one", "re: one", "two", "re: two"]);
  });

  it("if another process stored it, and this one read it", async () => {
    const { store, conversation } = open();
    await open(store).conversation.commit(named("one"));
    const history = await conversation.sync();
    await expect(conversation.commit([...history, ...named("two")])).rejects.toEqual(refused("one-q", "one-a"));
    expect(store.records(ID)).toHaveLength(2);
  });

  it("if it is still pending, whole or in part", async () => {
    const { store, conversation } = open();
    conversation.hold(named("one"));
    for (const messages of [[...named("one"), ...named("two")], named("one").slice(1)]) {
      await expect(conversation.commit(messages)).rejects.toEqual(refused("one-a"));
    }
    expect(conversation.pending).toBe(1);
    await conversation.flush();
    expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
  });

  it("and the error names places and ids, not what was said", async () => {
    const { conversation } = open();
    const long = Array.from({ length: 12 }, (_, index) => user(`secret ${index}`, { id: `m${index}` }));
    await conversation.commit(long);
    const error = await conversation
      .commit([user("secret", { id: "new" }), ...long])
      .catch((thrown: unknown) => thrown);
    expect(String(error)).toMatch(
      /1 \("m0"\), 2 \("m1"\), 3 \("m2"\), 4 \("m3"\), 5 \("m4"\) and 7 more.*Commit only what is new/,
    );
    expect(String(error)).not.toContain("secret");
  });
});

describe("an id names one message", () => {
  it("so a turn that has it twice is refused", async () => {
    const { store, conversation } = open();
    const [question] = named("one");
    await expect(conversation.commit([question as Message, assistant("x", { id: "one-q" })])).rejects.toEqual(
      refused("1", "one-q"),
    );
    expect([conversation.pending, store.records(ID)]).toEqual([0, null]);
  });

  it("so an application that gives each turn the same ids learns it at its second turn", async () => {
    const { store, conversation } = open();
    await conversation.commit([user("a", { id: "1" }), assistant("b", { id: "2" })]);
    await expect(conversation.commit([user("c", { id: "1" }), assistant("d", { id: "2" })])).rejects.toEqual(
      refused("1", "2"),
    );
    expect(texts(store.records(ID))).toEqual(["a", "b"]);
  });

  it.each([undefined, null, ""])("and a message whose id is %p gets one", async (id) => {
    const { store, conversation } = open();
    const without = { ...user("one"), id } as unknown as Message;
    await conversation.commit([without]);
    await conversation.commit([without]);
    const ids = store.records(ID)?.map((message) => message.id) ?? [];
    expect(ids).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
    expect(new Set(ids).size).toBe(2);
  });

  it("and is text", async () => {
    const { conversation } = open();
    await expect(conversation.commit([user("x", { id: 7 as never })])).rejects.toMatchObject({
      code: "INVALID_RECORD",
      message: expect.stringContaining("the id of message 0"),
    });
  });

  it("and may be that of a message of another memory", async () => {
    const { store, conversation } = open();
    await conversation.commit(named("one"));
    const other = new Conversation({ memoryId: "user-bob", backend: store });
    await other.commit([...(await conversation.sync()), ...named("two")]);
    expect(texts(store.records("user-bob"))).toEqual(["one", "re: one", "two", "re: two"]);
  });
});

describe("a turn whose commit was rejected can be committed again", () => {
  it.each(["before", "after"] as const)("and is stored once if the store failed %s it took effect", async (when) => {
    const { store, conversation } = open();
    const messages = turn("one");
    const stop = fail(store, "append", when);
    for (let tries = 0; tries < 2; tries++) {
      await expect(conversation.commit(messages)).rejects.toMatchObject({ code: "UNAVAILABLE" });
      expect(conversation.pending).toBe(1);
    }
    stop();
    await conversation.commit(structuredClone(messages));
    expect(conversation.pending).toBe(0);
    expect(new Set(appends(store).map(({ operationId }) => operationId)).size).toBe(1);
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
    expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
  });

  it.each<[string, (conversation: Conversation) => Promise<unknown>]>([
    ["a sync found it stored", (conversation) => conversation.sync()],
    ["a flush stored it", (conversation) => conversation.flush()],
    ["the next turn's commit stored it", (conversation) => conversation.commit(named("two"))],
  ])("and is confirmed once if %s", async (_how, store) => {
    const { store: log, conversation } = open();
    await conversation.sync();
    const stop = fail(log, "append", "after");
    await expect(conversation.commit(named("one"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    stop();
    await store(conversation);
    const stored = texts(log.records(ID));
    await conversation.commit(log.records(ID)?.slice(0, 2) ?? []);
    expect(texts(log.records(ID))).toEqual(stored);
    await expect(conversation.commit(log.records(ID)?.slice(0, 2) ?? [])).rejects.toEqual(refused("one-q"));
    expect(stored?.slice(0, 2)).toEqual(["one", "re: one"]);
  });

  it("and is stored, not confirmed, if it was discarded or deleted meanwhile", async () => {
    const { store, conversation } = open();
    const messages = named("one");
    for (const drop of [async () => conversation.discardPending(), () => conversation.delete()]) {
      const stop = fail(store, "append", "before");
      await expect(conversation.commit(messages)).rejects.toMatchObject({ code: "UNAVAILABLE" });
      stop();
      await drop();
      await conversation.commit(messages);
      expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
      await conversation.delete();
    }
  });

  it("but not with another text under its ids", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before");
    await expect(conversation.commit(named("one"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    stop();
    await expect(conversation.commit(named("one", "changed"))).rejects.toEqual(refused("one-q"));
    await conversation.flush();
    expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
  });

  it("with the policy of the newest call", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    conversation.hold(named("ours"));
    await store.save(ID, named("theirs"));
    await expect(conversation.commit(named("ours"), { onConflict: "throw" })).rejects.toMatchObject({
      code: "CONFLICT",
    });
    expect(conversation.pending).toBe(0);
  });

  it("and is one turn, however often it is held", async () => {
    const { store, conversation } = open();
    const messages = named("one");
    conversation.hold(messages);
    conversation.hold(messages);
    expect(conversation.pending).toBe(1);
    await Promise.all([conversation.commit(messages), conversation.commit(messages), conversation.flush()]);
    expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
  });
});

describe("a backend of four methods", () => {
  it("refuses a history that is stored already, instead of losing the new turn", async () => {
    const store = new ReferenceLog();
    const backend = plain(store);
    await store.save(ID, named("one"));
    const conversation = new Conversation({ memoryId: ID, backend }); // it has not read anything yet
    await expect(conversation.commit([...named("one"), ...named("two")])).rejects.toMatchObject({
      code: "INVALID_RECORD",
      outcome: "not-applied",
      memoryId: ID,
    });
    expect(conversation.pending).toBe(0);
    await conversation.commit(named("two"));
    expect(texts(store.records(ID))).toEqual(["one", "re: one", "two", "re: two"]);
  });
});
