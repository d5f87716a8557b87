import diagnostics from "node:diagnostics_channel";
import { setImmediate as tick } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import type { AppendOptions } from "../src/adapter.ts";
import { assistant, Conversation, type ConversationOptions, MemoryError, type Message, user } from "../src/index.ts";
import { plain, ReferenceLog } from "./support/reference-log.ts";
import { bare } from "./support/scripted-model.ts";

const ID = "user-alice";

function turn(text: string): Message[] {
  return [user(text), assistant(`re: ${text}`)];
}

function texts(messages: readonly Message[] | null): unknown[] | undefined {
  return messages?.map((message) => message.content);
}

function open(store = new ReferenceLog(), options: Partial<ConversationOptions> = {}) {
  return { store, conversation: new Conversation({ memoryId: ID, backend: store, ...options }) };
}

/** Makes the calls of `method` fail, `after` or before they took effect, until `stop` is called. */
function fail(
  store: ReferenceLog,
  method: string,
  when: "before" | "after",
  code: "UNAVAILABLE" | "RECORD_TOO_LARGE" | "DURABILITY" = "UNAVAILABLE",
) {
  store.around = async (called, call) => {
    const result = called === method && when === "before" ? undefined : await call();
    if (called !== method) return result as never;
    throw new MemoryError(code, "The store is away.", {
      outcome: when === "before" ? "not-applied" : "unknown",
      retryable: true,
    });
  };
  return () => {
    store.around = (_method, call) => call();
  };
}

function appends(store: ReferenceLog): AppendOptions[] {
  return store.calls.filter(({ method }) => method === "append").map(({ options }) => options as AppendOptions);
}

describe("a conversation", () => {
  it("is empty where there is no memory", async () => {
    const { conversation } = open();
    expect(await conversation.sync()).toEqual([]);
  });

  it("stores a turn as one entry and shows it at once", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    const said = turn("hello");
    await conversation.commit(said);
    expect(store.records(ID)).toEqual(said);
    expect(store.logs.get(ID)?.entries).toHaveLength(1);
    expect(conversation.messages).toEqual(said);
    expect(await conversation.sync()).toEqual(said);
  });

  it("sees the turns of others in the order of the store, its own among them", async () => {
    const { store, conversation: ours } = open();
    const { conversation: theirs } = open(store);
    await Promise.all([ours.sync(), theirs.sync()]);
    await theirs.commit(turn("theirs")).catch(() => expect(true).toBe(false));
    await expect(ours.commit(turn("ours"))).resolves.toBeUndefined();
    expect(texts(ours.messages)).toEqual(["ours", "re: ours"]);
    expect(texts(await ours.sync())).toEqual(["theirs", "re: theirs", "ours", "re: ours"]);
    expect(texts(await theirs.sync())).toEqual(["theirs", "re: theirs", "ours", "re: ours"]);
  });

  it("reads only what is new", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    await conversation.commit(turn("two"));
    store.calls.length = 0;
    await conversation.sync();
    expect(store.calls).toHaveLength(1);
    expect(store.calls[0]?.options).toMatchObject({ since: expect.any(String), last: 20 });
  });

  it("does not alias the caller's messages", async () => {
    const { store, conversation } = open();
    const said = turn("before");
    const commit = conversation.commit(said);
    (said[0] as Message).content = "after";
    await commit;
    expect(texts(store.records(ID))?.[0]).toBe("before");
  });

  it("refuses a turn that JSON does not carry, with nothing written and nothing pending", async () => {
    const { store, conversation } = open();
    const bad = [user("hello", { metadata: { when: new Date() } })];
    await expect(conversation.commit(bad)).rejects.toMatchObject({ code: "INVALID_RECORD" });
    await expect(conversation.commit([])).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(conversation.pending).toBe(0);
    expect(store.records(ID)).toBeNull();
  });

  it("names a memory that holds something else than messages", async () => {
    const { store, conversation } = open();
    await store.save(ID, [{ kind: "checkpoint" } as unknown as Message]);
    await expect(conversation.sync()).rejects.toMatchObject({ code: "CORRUPT", memoryId: ID });
  });
});

describe("a failed read", () => {
  it("rejects and changes nothing", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    const stop = fail(store, "read", "before");
    await expect(conversation.sync()).rejects.toMatchObject({ code: "UNAVAILABLE" });
    stop();
    expect(texts(conversation.messages)).toEqual(["one", "re: one"]);
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
  });
});

describe("a turn that could not be stored", () => {
  it.each(["before", "after"] as const)(
    "stays pending and is stored once when the store failed %s it took effect",
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

  it("is tried again as the same operation, with what was known before the first attempt", async () => {
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

  it("goes before anything newer", async () => {
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

  it("is not kept where it can never be stored", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before", "RECORD_TOO_LARGE");
    await expect(conversation.commit(turn("long"))).rejects.toMatchObject({ code: "RECORD_TOO_LARGE" });
    stop();
    await conversation.commit(turn("short"));
    expect(texts(store.records(ID))).toEqual(["short", "re: short"]);
  });

  it("is found by the next sync where only its reply was lost", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    const stop = fail(store, "append", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
    expect(conversation.pending).toBe(0);
  });

  it("stays pending where it is written and not durable, though a sync shows it, and is shown once", async () => {
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

describe("a turn that someone else's flush found to be no good", () => {
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

describe("a log that became another one", () => {
  it("is read anew where that happens under the search for the window's beginning", async () => {
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

  it("takes the turn as it is now: deleted", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    await store.delete(ID);
    await conversation.commit(turn("two"));
    expect(texts(store.records(ID))).toEqual(["two", "re: two"]);
    expect(texts(await conversation.sync())).toEqual(["two", "re: two"]);
  });

  it("takes the turn as it is now: replaced", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    await conversation.sync();
    await store.save(ID, turn("summary"));
    await conversation.commit(turn("two"));
    expect(texts(store.records(ID))).toEqual(["summary", "re: summary", "two", "re: two"]);
    expect(texts(await conversation.sync())).toEqual(["summary", "re: summary", "two", "re: two"]);
  });

  it("is searched for the turn: reply lost, someone saves a history that holds the turn, retry", async () => {
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

  it("is searched anew where it changes under the search", async () => {
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
  it("is noticed where it says so, and the conversation goes on with what is there", async () => {
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

  it("is noticed by the own turn that is missing", async () => {
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

  it("is noticed where others have written more than the window holds, as far as the store can tell", async () => {
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
      "deleted and begun anew",
      async (store: ReferenceLog) => {
        await store.delete(ID);
        await store.append(ID, turn("anew"));
      },
    ],
    [
      "grown beyond the window",
      async (store: ReferenceLog) => {
        for (let index = 0; index < 30; index++) await store.append(ID, turn(`filler ${index}`));
      },
    ],
  ])("is not suspected where the memory was %s", async (_how, change) => {
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
    "is not taken for one where the window begins behind an own turn that others removed: %s",
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

  it("is noticed by the own turn that is missing, also where the window begins behind it", async () => {
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

describe("the conflict policy 'throw'", () => {
  it("rejects a turn where someone else wrote meanwhile, and does not keep it", async () => {
    const { store, conversation } = open(undefined, { onConflict: "throw" });
    await conversation.sync();
    await store.append(ID, turn("theirs"));
    await expect(conversation.commit(turn("ours"))).rejects.toMatchObject({ code: "CONFLICT" });
    expect(conversation.pending).toBe(0);
    expect(texts(store.records(ID))).toEqual(["theirs", "re: theirs"]);
    await conversation.sync();
    await conversation.commit(turn("ours again"));
    expect(texts(store.records(ID))).toEqual(["theirs", "re: theirs", "ours again", "re: ours again"]);
  });

  it("takes own turns, held or stored, for no conflict", async () => {
    const { store, conversation } = open(undefined, { onConflict: "throw" });
    await conversation.sync();
    conversation.hold(turn("one"));
    conversation.hold(turn("two"));
    await conversation.flush();
    await conversation.commit(turn("three"));
    expect(store.records(ID)).toHaveLength(6);
  });

  it("confirms a turn that is found in the log", async () => {
    const { store, conversation } = open(undefined, { onConflict: "throw" });
    await conversation.sync();
    const said = turn("ours");
    await store.save(ID, said);
    await conversation.commit(said);
    expect(store.records(ID)).toEqual(said);
  });

  it("rejects a held turn that was said before someone else's", async () => {
    const { store, conversation } = open(undefined, { onConflict: "throw" });
    await conversation.sync();
    conversation.hold(turn("ours"));
    await store.append(ID, turn("theirs"));
    await conversation.sync();
    await expect(conversation.flush()).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

describe("the window of a conversation", () => {
  it("begins at a turn, and pages back to find one", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 3 });
    const long = [user("question"), ...Array.from({ length: 10 }, (_, index) => assistant(`part ${index}`))];
    await store.save(ID, [...turn("old"), ...long]);
    expect(texts(await conversation.sync())).toEqual(texts(long));
  });

  it("is the whole log where the log is shorter", async () => {
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
  it("holds where nothing had been read yet, and where the window is read anew", async () => {
    const { store, conversation } = open();
    await store.append(ID, turn("old"));
    conversation.clear();
    expect(await conversation.sync()).toEqual([]);
    await store.append(ID, turn("new"));
    conversation.setLimits({ maxMessages: 50 });
    expect(texts(await conversation.sync())).toEqual(["new", "re: new"]);
    expect(texts(await conversation.reload())).toEqual(["old", "re: old", "new", "re: new"]);
  });

  it("empties the window, keeps the store, and does not bring back what was said before", async () => {
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

describe("deleting a conversation", () => {
  it("takes the store, the window and pending turns", async () => {
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

  it("changes nothing where it fails", async () => {
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

describe("a turn that comes while the memory is being deleted", () => {
  it("is stored behind the deletion", async () => {
    const { store, conversation } = open();
    await conversation.commit(turn("one"));
    const deleted = conversation.delete();
    await conversation.commit(turn("two"));
    await deleted;
    expect(texts(store.records(ID))).toEqual(["two", "re: two"]);
    expect(conversation.pending).toBe(0);
  });
});

describe("a message without an id", () => {
  it("is given one, by which it is found again", async () => {
    const reported: object[] = [];
    const { store, conversation } = open(undefined, { onRegression: (regression) => reported.push(regression) });
    await conversation.sync();
    await conversation.commit([{ role: "user", content: "hello", createdAt: 0 } as Message]);
    expect(store.records(ID)?.[0]?.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    await conversation.sync();
    conversation.clear();
    await store.append(ID, [{ role: "user", content: "theirs, without an id" } as Message]);
    expect(texts(await conversation.sync())).toEqual(["theirs, without an id"]);
    expect(reported).toEqual([]);
  });
});

describe("what a conversation hands out", () => {
  it("is a copy: nothing done to it is stored or seen", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    for (const message of conversation.messages) message.content = "decorated";
    await conversation.flush();
    for (const message of await conversation.sync()) message.content = "decorated";
    expect(texts(store.records(ID))).toEqual(["one", "re: one"]);
    expect(texts(conversation.messages)).toEqual(["one", "re: one"]);
  });
});

describe("what a conversation is given", () => {
  it.each<[string, Message[]]>([
    ["another object", [{ text: "hi" } as unknown as Message]],
    ["a call that is none", [{ role: "assistant", content: null, toolCalls: null } as unknown as Message]],
    ["no message", []],
  ])("is refused before anything is written: %s", async (_what, messages) => {
    const { store, conversation } = open();
    await expect(conversation.commit(messages)).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(() => conversation.hold(messages)).toThrow(expect.objectContaining({ code: "INVALID_RECORD" }));
    expect(conversation.pending).toBe(0);
    expect(store.records(ID)).toBeNull();
  });

  it("is checked when it is made", () => {
    expect(() => new Conversation({ memoryId: ID } as never)).toThrow(
      expect.objectContaining({ code: "BACKEND_REQUIRED" }),
    );
    expect(() => open(undefined, { onConflict: "thorw" as never })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(() => open(undefined, { countTokens: 5 as never })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
  });

  it("that fails changes nothing: a counter of tokens", async () => {
    let broken = true;
    const countTokens = () => {
      if (broken) throw new Error("no tokenizer");
      return 1;
    };
    const { store, conversation } = open(undefined, { maxTokens: 100, countTokens });
    await store.append(ID, turn("one"));
    await expect(conversation.sync()).rejects.toThrow("no tokenizer");
    broken = false;
    expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("handler");
      },
    ],
    ["rejects", () => Promise.reject(new Error("handler"))],
  ])("that fails is published, and the conversation goes on: a handler that %s", async (_how, onRegression) => {
    const { store, conversation } = open(undefined, { onRegression });
    const warnings: unknown[] = [];
    const onEvent = (event: unknown) => void ((event as { type: string }).type === "warning" && warnings.push(event));
    diagnostics.subscribe("deep-agent:backend", onEvent);
    try {
      await conversation.commit(turn("one"));
      await conversation.commit(turn("two"));
      await conversation.sync();
      store.lose(ID, 1);
      expect(texts(await conversation.sync())).toEqual(["one", "re: one"]);
      await tick();
      expect(warnings).toEqual([
        expect.objectContaining({ memoryId: ID, detail: expect.stringContaining("onRegression") }),
      ]);
    } finally {
      diagnostics.unsubscribe("deep-agent:backend", onEvent);
    }
  });
});

describe("a store that takes a turn by no means", () => {
  it("can be given up on: what was pending is handed back", async () => {
    const { store, conversation } = open();
    const stop = fail(store, "append", "before");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    expect(conversation.discardPending().map(texts)).toEqual([["one", "re: one"]]);
    stop();
    await conversation.commit(turn("two"));
    expect(texts(store.records(ID))).toEqual(["two", "re: two"]);
  });

  it("that is replaced again and again does not keep a commit for ever", async () => {
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

  it("that is replaced under every reading does not keep a sync for ever", async () => {
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

describe("the search for the window's beginning", () => {
  it("reads a long turn in pages that are not as small as the window", async () => {
    const { store, conversation } = open(undefined, { maxMessages: 1 });
    const long = [user("question"), ...Array.from({ length: 2_000 }, () => assistant("part"))];
    await store.save(ID, long);
    store.calls.length = 0;
    expect(await conversation.sync()).toHaveLength(long.length);
    expect(store.calls.length).toBeLessThan(12);
  });
});

describe("aborting a call", () => {
  it("rejects with the signal's reason, also while the call waits", async () => {
    const { store, conversation } = open();
    const gate = Promise.withResolvers<void>();
    store.around = async (_method, call) => {
      await gate.promise;
      return call();
    };
    const first = conversation.sync();
    const controller = new AbortController();
    const second = conversation.sync({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    gate.resolve();
    expect(await first).toEqual([]);
    expect(store.calls).toHaveLength(1);
  });
});

describe("a backend of four methods", () => {
  function openPlain() {
    const store = new ReferenceLog();
    const backend = plain(store);
    return { store, backend, conversation: new Conversation({ memoryId: ID, backend }) };
  }

  it("serves a conversation by load and save", async () => {
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

  it("confirms a turn whose reply was lost by its messages' ids", async () => {
    const { store, conversation } = openPlain();
    const stop = fail(store, "save", "after");
    await expect(conversation.commit(turn("one"))).rejects.toThrow();
    stop();
    await conversation.flush();
    expect(store.records(ID)).toHaveLength(2);
  });

  it("starts over where the log was replaced, and says when a turn was overwritten", async () => {
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
    await store.save(ID, [...before, ...turn("another process")]); // had loaded before we saved
    await conversation.sync();
    expect(reported).toEqual([{ memoryId: ID }]);
  });

  it("does not bring back what is deleted while a turn is appended", async () => {
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

  it("is not suspected of a conflict where it changes the order of keys", async () => {
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
