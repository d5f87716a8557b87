import { describe, expect, it } from "@jest/globals";
import { assistant, MemoryError, type Message, user } from "../src/index.ts";
import { fail, ID, open, texts, turn } from "./support/conversations.ts";
import type { ReferenceLog } from "./support/reference-log.ts";

describe("a log that was replaced", () => {
  it("is read again if that happens during the search for the window's beginning", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 2 });
    await store.save(ID, [user("question"), ...Array.from({ length: 9 }, (_, index) => assistant(`part ${index}`))]);
    let reads = 0;
    store.around = async (method, call) => {
      if (method === "read" && ++reads === 2) {
        store.around = (_method, next) => next();
        await store.save(ID, turn("replaced"));
      }
      return call();
    };
    expect(texts(await conversation.sync())).toEqual(["replaced", "re: replaced"]);
  });

  it("still takes the turn: deleted", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    await store.delete(ID);
    await conversation.commit(turn("two"));
    expect(texts(store.records(ID))).toEqual(["two", "re: two"]);
    expect(texts(await conversation.sync())).toEqual(["two", "re: two"]);
  });

  it("still takes the turn: replaced", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    await store.save(ID, turn("summary"));
    await conversation.commit(turn("two"));
    expect(texts(store.records(ID))).toEqual(["summary", "re: summary", "two", "re: two"]);
    expect(texts(await conversation.sync())).toEqual(["summary", "re: summary", "two", "re: two"]);
  });

  it("is searched for the turn: its reply is lost, a history with the turn is saved, retry", async () => {
    const { store, conversation } = open();
    expect(await conversation.sync()).toEqual([]); // since: null
    const stop = fail(store, "append", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    const held = store.records(ID) as Message[];
    await store.save(ID, [...held, ...turn("more")]);
    await conversation.flush();
    expect(texts(store.records(ID))).toEqual(["one", "re: one", "more", "re: more"]);
  });

  it("is searched to its beginning", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    const stop = fail(store, "append", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    const held = store.records(ID) as Message[];
    await store.save(ID, [...held, ...Array.from({ length: 600 }, (_, index) => user(`filler ${index}`))]);
    await conversation.flush();
    expect(texts(store.records(ID))?.filter((text) => text === "one")).toHaveLength(1);
  });

  it("is searched again if it changes during the search", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("zero"));
    await conversation.sync();
    const said = turn("one");
    await store.save(
      ID,
      Array.from({ length: 300 }, (_, index) => user(`old ${index}`)),
    );
    let pages = 0;
    store.around = async (method, call) => {
      if (method === "read" && ++pages === 2) {
        store.around = (_method, next) => next();
        await store.save(ID, said);
      }
      return call();
    };
    await conversation.commit(said);
    expect(store.records(ID)).toEqual(said);
  });
});

describe("a store that lost acknowledged turns", () => {
  it("is noticed if it reports that, and the conversation continues with what is left", async () => {
    const reported: object[] = [];
    const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
    await conversation.commit(turn("one"));
    await conversation.commit(turn("two"));
    await conversation.sync();
    store.lose(ID, 1);
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
    expect(reported).toEqual([{ memoryId: ID }]);
    await conversation.commit(turn("three"));
    expect(texts(await conversation.sync())).toEqual(["one", "re: one", "three", "re: three"]);
    expect(reported).toHaveLength(1);
  });

  it("is noticed by a missing own turn", async () => {
    const reported: object[] = [];
    const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
    const { conversation: theirs } = open(store);
    await conversation.commit(turn("one"));
    await conversation.sync();
    await conversation.commit(turn("two"));
    store.lose(ID, 1);
    await theirs.commit(turn("theirs"));
    expect(texts(await conversation.sync())).toEqual(["one", "re: one", "theirs", "re: theirs"]);
    expect(reported).toEqual([{ memoryId: ID }]);
  });

  it("is noticed if others have written more than the window holds, as far as the store can tell", async () => {
    const reported: object[] = [];
    const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
    await conversation.commit(turn("one"));
    await conversation.sync();
    await conversation.commit(turn("two"));
    store.lose(ID, 1);
    for (let index = 0; index < 30; index++) await store.append(ID, turn(`filler ${index}`));
    await conversation.sync();
    expect(reported).toEqual([{ memoryId: ID }]);
  });

  it("is noticed by the first turn of a log", async () => {
    const reported: object[] = [];
    const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
    await conversation.sync();
    await conversation.commit(turn("one"));
    store.lose(ID, 0);
    await store.append(ID, turn("theirs"));
    expect(texts(await conversation.sync())).toEqual(["theirs", "re: theirs"]);
    expect(reported).toEqual([{ memoryId: ID }]);
  });

  it.each([
    ["deleted", async (store: ReferenceLog) => store.delete(ID)],
    ["replaced", async (store: ReferenceLog) => store.save(ID, turn("summary"))],
    [
      "deleted and begun again",
      async (store: ReferenceLog) => {
        await store.delete(ID);
        await store.append(ID, turn("again"));
      },
    ],
    [
      "grown beyond the window",
      async (store: ReferenceLog) => {
        for (let index = 0; index < 30; index++) await store.append(ID, turn(`filler ${index}`));
      },
    ],
  ])("is not suspected if the memory was %s", async (_how, change) => {
    for (const known of [false, true]) {
      const reported: object[] = [];
      const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
      await store.delete(ID);
      if (known) await store.append(ID, turn("zero"));
      await conversation.sync();
      await conversation.commit(turn("one"));
      await change(store);
      await conversation.sync();
      expect(reported).toEqual([]);
    }
  });

  it.each(["found", "found by the sync after one that failed"])(
    "is not suspected if the window begins after an own turn that others removed: %s",
    async (found) => {
      const reported: object[] = [];
      const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
      conversation.clear(); // before anything was read, so that the next sync finds where the window begins
      await conversation.commit(turn("one"));
      await store.save(ID, turn("summary"));
      if (found !== "found") {
        let reads = 0;
        store.around = async (method, call) => {
          if (method === "read" && reads++ === 1) throw new MemoryError("UNAVAILABLE", "The store is away.");
          return call();
        };
        await expect(conversation.sync()).rejects.toMatchObject({ code: "UNAVAILABLE" });
        store.around = (_method, call) => call();
      }
      expect(texts(await conversation.sync())).toEqual([]);
      expect(reported).toEqual([]);
    },
  );

  it("is noticed by a missing own turn, even if the window begins after it", async () => {
    const reported: object[] = [];
    const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
    await store.append(ID, turn("theirs"));
    conversation.clear();
    await conversation.commit(turn("one"));
    store.lose(ID, 1);
    await conversation.sync();
    expect(reported).toEqual([{ memoryId: ID }]);
  });
});
