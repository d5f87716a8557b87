import { describe, expect, it } from "@jest/globals";
import { Agent, type Message } from "../src/index.ts";
import { contents, failing, ID, remembering } from "./support/agents.ts";
import { bare, echoModel, ScriptedModel } from "./support/scripted-model.ts";

describe("an agent without memory", () => {
  it("sends each question alone", async () => {
    const model = echoModel();
    const agent = new Agent({ model, system: "Be brief." });
    expect(await agent.ask("one")).toBe("You said: one");
    await agent.ask("two");
    expect(model.sent(1)).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "two" },
    ]);
    expect(agent.getHistory()).toEqual([]);
  });
});

describe("an agent with short memory", () => {
  it("sends what was said, and forgets it when cleared", async () => {
    const model = echoModel();
    const agent = new Agent({ model }).withShortMemory();
    await agent.ask("one");
    await agent.ask("two");
    expect(model.sent(1).map((message) => (message as Message).content)).toEqual(["one", "You said: one", "two"]);
    expect(agent.getHistory()).toHaveLength(4);
    agent.clear();
    expect(agent.getHistory()).toEqual([]);
  });

  it("trims to the limit in whole turns", async () => {
    const agent = new Agent({ model: echoModel(), shortMemory: true, maxHistory: 4 });
    for (const text of ["one", "two", "three"]) await agent.ask(text);
    expect(contents(agent.getHistory())).toEqual(["two", "You said: two", "three", "You said: three"]);
  });
});

describe("an agent with long memory", () => {
  it("has stored the turn when ask resolves, and another agent remembers it", async () => {
    const { store, agent } = remembering();
    await agent.ask("My favourite colour is blue");
    expect(store.records(ID)?.map(bare)).toEqual([
      { role: "user", content: "My favourite colour is blue" },
      { role: "assistant", content: "You said: My favourite colour is blue" },
    ]);
    const model = echoModel();
    await new Agent({ model, longMemory: ID, backend: store }).ask("What is it?");
    expect(model.sent(0)).toHaveLength(3);
  });

  it("gives each message an id and a time", async () => {
    const { store, agent } = remembering();
    await agent.ask("hello");
    const ids = store.records(ID)?.map(({ id }) => id) ?? [];
    expect(new Set(ids).size).toBe(2);
    for (const { id, createdAt } of store.records(ID) ?? []) {
      expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(Math.abs(Date.now() - createdAt)).toBeLessThan(60_000);
    }
  });

  it("reads nothing before the first ask", async () => {
    const { store } = remembering();
    expect(store.calls).toEqual([]);
  });

  it("never stores the system prompt, and always sends it", async () => {
    const { store, agent, model } = remembering(echoModel(), { system: "Be brief.", maxHistory: 2 });
    for (const text of ["one", "two", "three"]) await agent.ask(text);
    expect(model.sent(2)[0]).toEqual({ role: "system", content: "Be brief." });
    expect(store.records(ID)?.filter(({ role }) => role === "system")).toEqual([]);
  });

  it("trims what is sent, never what is stored", async () => {
    const { store, agent, model } = remembering(echoModel(), { maxHistory: 2 });
    for (const text of ["one", "two", "three"]) await agent.ask(text);
    expect(model.sent(2)).toHaveLength(3);
    expect(store.records(ID)).toHaveLength(6);
    const other = echoModel();
    await new Agent({ model: other, longMemory: ID, backend: store, maxHistory: 2 }).ask("four");
    expect(other.sent(0)).toHaveLength(3);
  });

  it("stores parts unchanged, and shares no objects with the caller", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["A cat."] }));
    const parts = [
      { type: "text" as const, text: "What is this?" },
      { type: "image_url" as const, image_url: { url: "data:image/png;base64,AA==" } },
    ];
    const asked = agent.ask(parts);
    (parts[0] as { text: string }).text = "changed";
    await asked;
    expect(store.records(ID)?.[0]?.content).toEqual([{ type: "text", text: "What is this?" }, parts[1]]);
    (agent.getHistory()[0] as Message).content = "changed";
    expect(agent.getHistory()[0]?.content).toEqual(store.records(ID)?.[0]?.content);
  });

  it("sends no call without its result and no result without its call, even if others have stored such", async () => {
    const { store, agent, model } = remembering();
    const base = { id: "1", createdAt: 0 };
    await store.append(ID, [
      { ...base, role: "user", content: "look" },
      { ...base, role: "assistant", content: null, toolCalls: [{ id: "a", name: "t", arguments: "{}" }] },
      { ...base, role: "user", content: "well?" },
      { ...base, role: "tool", toolCallId: "b", content: "lost" },
    ]);
    await agent.ask("hello");
    expect(model.sent(0).map((message) => (message as Message).content)).toEqual(["look", "well?", "hello"]);
    expect(store.records(ID)).toHaveLength(6);
  });

  it("keeps the memory id that a queued ask was called with", async () => {
    const { store, agent } = remembering();
    const alice = agent.ask("I am Alice");
    const bob = agent.withLongMemory("user-bob").ask("I am Bob");
    await Promise.all([alice, bob]);
    expect(contents(store.records(ID))).toEqual(["I am Alice", "You said: I am Alice"]);
    expect(contents(store.records("user-bob"))).toEqual(["I am Bob", "You said: I am Bob"]);
    expect(contents(agent.getHistory())).toEqual(["I am Bob", "You said: I am Bob"]);
  });

  it("runs asks one after another", async () => {
    const { store, agent } = remembering();
    await Promise.all(["one", "two", "three"].map((text) => agent.ask(text)));
    expect(contents(store.records(ID)).filter((text) => !String(text).startsWith("You"))).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  it("deletes the memory in the store and in RAM, after the earlier asks", async () => {
    const { store, agent, model } = remembering();
    await Promise.all([agent.ask("secret"), agent.deleteLongMemory()]);
    expect(store.records(ID)).toBeNull();
    expect(agent.getHistory()).toEqual([]);
    await agent.ask("hello");
    expect(model.sent(1)).toEqual([{ role: "user", content: "hello" }]);
  });

  it("lists memories by a literal prefix", async () => {
    const { store, agent } = remembering();
    await store.append("a*b", [{ role: "user", content: "x", id: "1", createdAt: 0 }]);
    await agent.ask("hello");
    expect(await agent.listLongMemories({ prefix: "a*" })).toEqual(["a*b"]);
    expect((await agent.listLongMemories()).sort()).toEqual(["a*b", ID]);
  });
});

describe("manual saving", () => {
  it("stores nothing before saveLongMemory, and then every turn of every id", async () => {
    const { store, agent, model } = remembering(echoModel(), { autoSaveLongMemory: false });
    await agent.ask("one");
    await agent.ask("two");
    expect(model.sent(1)).toHaveLength(3);
    await agent.withLongMemory("user-bob").ask("three");
    expect(store.records(ID)).toBeNull();
    await agent.saveLongMemory();
    expect(store.records(ID)).toHaveLength(4);
    expect(store.records("user-bob")).toHaveLength(2);
    await agent.saveLongMemory();
    expect(store.records(ID)).toHaveLength(4);
  });

  it("says what failed, and keeps the turn", async () => {
    const { store, agent } = remembering(echoModel(), { autoSaveLongMemory: false });
    await agent.ask("one");
    await agent.withLongMemory("user-bob").ask("two");
    const stop = failing(store, "append");
    await expect(agent.saveLongMemory()).rejects.toMatchObject({
      code: "SAVE_FAILED",
      retryable: true,
      outcome: "not-applied",
    });
    stop();
    await agent.saveLongMemory();
    expect(store.records(ID)).toHaveLength(2);
    expect(store.records("user-bob")).toHaveLength(2);
  });

  it("loads the memory again on demand", async () => {
    const { store, agent } = remembering();
    await store.append(ID, [{ role: "user", content: "x", id: "1", createdAt: 0 }]);
    await agent.loadLongMemory();
    expect(contents(agent.getHistory())).toEqual(["x"]);
    agent.clear();
    await agent.loadLongMemory();
    expect(contents(agent.getHistory())).toEqual(["x"]);
  });
});
