import diagnostics from "node:diagnostics_channel";
import { setImmediate as tick } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { Conversation, type Message, user } from "../src/index.ts";
import { fail, ID, open, texts, turn } from "./support/conversations.ts";

describe("a conversation", () => {
  it("is empty if there is no memory", async () => {
    const { conversation } = open();
    expect(await conversation.sync()).toEqual([]);
  });

  it("stores a turn as one entry and shows it immediately", async () => {
    const { store, conversation } = open();
    await conversation.sync();
    const said = turn("hello");
    await conversation.commit(said);
    expect(store.records(ID)).toEqual(said);
    expect(store.logs.get(ID)?.entries).toHaveLength(1);
    expect(conversation.messages).toEqual(said);
    expect(await conversation.sync()).toEqual(said);
  });

  it("sees the turns of others in the order of the store, together with its own", async () => {
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

  it("refuses a turn that JSON cannot carry, with nothing written and nothing pending", async () => {
    const { store, conversation } = open();
    const bad = [user("hello", { metadata: { when: new Date() } })];
    await expect(conversation.commit(bad)).rejects.toMatchObject({ code: "INVALID_RECORD" });
    await expect(conversation.commit([])).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(conversation.pending).toBe(0);
    expect(store.records(ID)).toBeNull();
  });

  it("names a memory that holds something other than messages", async () => {
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

describe("the conflict policy 'throw'", () => {
  it("rejects a turn if another writer wrote meanwhile, and does not keep it", async () => {
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

  it("does not treat own turns, held or stored, as a conflict", async () => {
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

  it("rejects a held turn if another writer wrote after it", async () => {
    const { store, conversation } = open(undefined, { onConflict: "throw" });
    await conversation.sync();
    conversation.hold(turn("ours"));
    await store.append(ID, turn("theirs"));
    await conversation.sync();
    await expect(conversation.flush()).rejects.toMatchObject({ code: "CONFLICT" });
  });
});

describe("a message without an id", () => {
  it("is given an id, by which it is found again", async () => {
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

describe("the messages that a conversation returns", () => {
  it("are copies: changes to them are neither stored nor seen", async () => {
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

describe("the input of a conversation", () => {
  it.each<[string, Message[]]>([
    ["another object", [{ text: "hi" } as unknown as Message]],
    ["an invalid call", [{ role: "assistant", content: null, toolCalls: null } as unknown as Message]],
    ["no message", []],
  ])("is refused before anything is written: %s", async (_what, messages) => {
    const { store, conversation } = open();
    await expect(conversation.commit(messages)).rejects.toMatchObject({ code: "INVALID_RECORD" });
    expect(() => conversation.hold(messages)).toThrow(expect.objectContaining({ code: "INVALID_RECORD" }));
    expect(conversation.pending).toBe(0);
    expect(store.records(ID)).toBeNull();
  });

  it("is checked when the conversation is made", () => {
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

  it("changes nothing if it fails: a counter of tokens", async () => {
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
  ])("is published if it fails, and the conversation continues: a handler that %s", async (_how, onRegression) => {
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

describe("aborting a call", () => {
  it("rejects with the signal's reason, even while the call waits", async () => {
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
