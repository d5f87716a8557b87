import diagnostics from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import { Agent, type AskEvent, type BackendEvent, defineTool, MemoryError } from "../src/index.ts";
import { contents, failing, ID, memoryOf, remembering } from "./support/agents.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { echoModel, ScriptedModel } from "./support/scripted-model.ts";

describe("the life of a turn", () => {
  it("needs a backend for long memory, and says which packages have one", async () => {
    const agent = new Agent({ model: echoModel() }).withLongMemory(ID);
    await expect(agent.ask("hello")).rejects.toMatchObject({ code: "BACKEND_REQUIRED", memoryId: ID });
    await expect(agent.ask("hello")).rejects.toThrow(/@deep-agent\/redis.*@deep-agent\/file.*@deep-agent\/in-memory/);
    await expect(agent.listLongMemories()).rejects.toMatchObject({ code: "BACKEND_REQUIRED" });
  });

  it("needs an id for the methods of long memory", async () => {
    const agent = new Agent({ model: echoModel(), backend: new ReferenceLog() });
    for (const method of ["saveLongMemory", "loadLongMemory", "deleteLongMemory"] as const) {
      await expect(agent[method]()).rejects.toMatchObject({ code: "MEMORY_ID_REQUIRED" });
    }
  });

  it("ends before the model is called if loading fails", async () => {
    const { store, agent, model } = remembering();
    failing(store, "read");
    await expect(agent.ask("hello")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(model.requests).toHaveLength(0);
    expect(store.records(ID)).toBeNull();
  });

  it("ends before the model is called if a pending turn cannot be stored", async () => {
    const { store, agent, model } = remembering();
    failing(store, "append");
    await expect(agent.ask("one")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    await expect(agent.ask("two")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(model.requests).toHaveLength(1);
  });

  it("stores nothing if the model fails", async () => {
    const { store, agent } = remembering(
      new ScriptedModel({ text: ["half"], error: new Error("overloaded") }, { text: ["well"] }),
    );
    await expect(agent.ask("one")).rejects.toThrow("overloaded");
    expect(store.records(ID)).toBeNull();
    expect(agent.getHistory()).toEqual([]);
    await agent.ask("two");
    expect(store.records(ID)).toHaveLength(2);
  });

  it("stores nothing if the model's stream ends without a finish event", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["half"], breaksOff: true }));
    await expect(agent.ask("one")).rejects.toThrow("broke off");
    expect(store.records(ID)).toBeNull();
  });

  it.each(["not-applied", "unknown"] as const)(
    "gives the reply if saving fails (%s), and stores the turn once with the next ask",
    async (outcome) => {
      const { store, agent } = remembering();
      const stop = failing(store, "append", outcome);
      const error: unknown = await agent.ask("one").catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "SAVE_FAILED", outcome, retryable: true, memoryId: ID });
      expect((error as MemoryError).reply).toMatchObject({
        text: "You said: one",
        message: { role: "assistant" },
        usage: null,
      });
      expect((error as MemoryError).cause).toMatchObject({ code: "UNAVAILABLE" });
      expect(contents(agent.getHistory())).toEqual(["one", "You said: one"]);
      stop();
      await agent.ask("two");
      expect(contents(store.records(ID))).toEqual(["one", "You said: one", "two", "You said: two"]);
    },
  );

  it("stores a pending turn by saveLongMemory, even if the agent has another id now", async () => {
    const { store, agent } = remembering();
    const stop = failing(store, "append");
    await expect(agent.ask("one")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    stop();
    agent.withLongMemory("user-bob");
    await agent.saveLongMemory();
    expect(contents(store.records(ID))).toEqual(["one", "You said: one"]);
  });

  it("drops a pending turn with its memory", async () => {
    const { store, agent } = remembering();
    const stop = failing(store, "append");
    await expect(agent.ask("one")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    stop();
    await agent.deleteLongMemory();
    await agent.saveLongMemory();
    expect(store.records(ID)).toBeNull();
  });

  it("says that a turn is not kept if it can never be stored", async () => {
    const { store, agent } = remembering();
    store.around = (method, call) => {
      if (method === "append") throw new MemoryError("RECORD_TOO_LARGE", "Too large.");
      return call();
    };
    await expect(agent.ask("one")).rejects.toMatchObject({ code: "SAVE_FAILED", retryable: false });
    store.around = (_method, call) => call();
    await agent.ask("two");
    expect(contents(store.records(ID))).toEqual(["two", "You said: two"]);
  });

  it("appends to a new log if the memory was deleted meanwhile", async () => {
    const { store, agent } = remembering();
    await agent.ask("one");
    await store.delete(ID);
    await agent.ask("two");
    expect(contents(store.records(ID))).toEqual(["two", "You said: two"]);
    expect(contents(agent.getHistory())).toEqual(["two", "You said: two"]);
  });

  it("rejects under the policy 'throw' with the reply, and keeps nothing, if another writer wrote meanwhile", async () => {
    const { store, agent } = remembering(
      new ScriptedModel(() => {
        void store.append(ID, [{ role: "user", content: "theirs", id: "1", createdAt: 0 }]);
        return { text: ["ours"] };
      }),
      { onConflict: "throw" },
    );
    const error: unknown = await agent.ask("one").catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "SAVE_FAILED", retryable: false, cause: { code: "CONFLICT" } });
    expect((error as MemoryError).reply?.text).toBe("ours");
    await agent.saveLongMemory();
    expect(contents(store.records(ID))).toEqual(["theirs"]);
  });

  it("reports turns that the store lost, and continues", async () => {
    const reported: object[] = [];
    const { store, agent } = remembering(echoModel(), { onRegression: (regression) => reported.push(regression) });
    await agent.ask("one");
    await agent.ask("two");
    await agent.loadLongMemory();
    store.lose(ID, 1);
    await agent.ask("three");
    expect(reported).toEqual([{ memoryId: ID }]);
    expect(contents(store.records(ID))).toEqual(["one", "You said: one", "three", "You said: three"]);
  });

  it("prints no message text with its errors", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["the-answer-canary"] }));
    store.around = async (method, call) => {
      if (method === "append") throw Object.assign(new Error("boom"), { command: { args: ["the-question-canary"] } });
      return call();
    };
    const error: unknown = await agent.ask("the-question-canary").catch((caught: unknown) => caught);
    expect((error as MemoryError).reply?.text).toBe("the-answer-canary");
    for (const shown of [inspect(error, { depth: 10 }), JSON.stringify(error), String(error), (error as Error).stack]) {
      expect(shown).not.toContain("canary");
    }
  });
});

describe("a question", () => {
  it("is answered with the configuration of the moment when it was asked", async () => {
    const { agent, model } = remembering(echoModel(), { system: "First." });
    const asked = agent.ask("one");
    agent.withSystem("Later.").withTool(defineTool({ name: "later", execute: () => "" }));
    await asked;
    expect(model.sent(0)[0]).toMatchObject({ content: "First." });
    expect(model.requests[0]?.tools).toEqual([]);
  });

  it("obeys a conflict policy that was set after the first ask", async () => {
    const { store, agent } = remembering(
      new ScriptedModel({ text: ["one"] }, () => {
        void store.append(ID, [{ role: "user", content: "theirs", id: "1", createdAt: 0 }]);
        return { text: ["two"] };
      }),
    );
    await agent.ask("one");
    await expect(agent.withConflictPolicy("throw").ask("two")).rejects.toMatchObject({ code: "SAVE_FAILED" });
  });

  it("is not changed by what a model does to its request", async () => {
    const model = new ScriptedModel(({ messages }) => {
      for (const message of messages) message.content = "decorated";
      return { text: ["ok"] };
    });
    const { store, agent } = remembering(model);
    await agent.ask("plain");
    expect(contents(store.records(ID))).toEqual(["plain", "ok"]);
  });

  it("does not wait for a store that does not answer if its signal ends the wait", async () => {
    const { store, agent } = remembering();
    store.around = () => new Promise(() => undefined);
    const reason = new Error("enough");
    const controller = new AbortController();
    const asked = agent.ask("hello", { signal: controller.signal });
    controller.abort(reason);
    await expect(asked).rejects.toBe(reason);
    const saving = new AbortController();
    const saved = agent.saveLongMemory({ signal: saving.signal });
    saving.abort(reason);
    await expect(saved).rejects.toBe(reason);
  });

  it("is refused if its signal is invalid", async () => {
    const { agent } = remembering();
    await expect(agent.ask("hello", { signal: {} as never })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("repeats nothing that a foreign store quotes", async () => {
    const backend = { ...memoryOf(), save: () => Promise.reject(new Error("INSERT failed: the-canary")) };
    const agent = new Agent({ model: echoModel(), longMemory: ID, backend });
    const events: unknown[] = [];
    const onEvent = (event: unknown) => void events.push(event);
    for (const name of ["deep-agent:ask", "deep-agent:backend"]) diagnostics.subscribe(name, onEvent);
    try {
      const error: unknown = await agent.ask("the-canary").catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "SAVE_FAILED" });
      expect(events).not.toEqual([]);
      expect(inspect([error, events], { depth: 10 })).not.toContain("canary");
    } finally {
      for (const name of ["deep-agent:ask", "deep-agent:backend"]) diagnostics.unsubscribe(name, onEvent);
    }
  });
});

describe("a pending turn that can never be stored", () => {
  it("under the policy 'throw' is dropped, and the errors say so", async () => {
    const { store, agent } = remembering(echoModel(), { onConflict: "throw", autoSaveLongMemory: false });
    await agent.ask("one");
    await store.append(ID, [{ role: "user", content: "theirs", id: "1", createdAt: 0 }]);
    const error: unknown = await agent.saveLongMemory().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "SAVE_FAILED", retryable: false });
    expect((error as Error).message).toContain("dropped");
    await agent.saveLongMemory();
    expect(contents(store.records(ID))).toEqual(["theirs"]);
  });

  it("can be discarded by hand", async () => {
    const { store, agent } = remembering();
    const stop = failing(store, "append");
    await expect(agent.ask("one")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    expect(agent.discardPending().map(contents)).toEqual([["one", "You said: one"]]);
    stop();
    await agent.ask("two");
    expect(contents(store.records(ID))).toEqual(["two", "You said: two"]);
  });
});

describe("diagnostics", () => {
  it("report each turn and each call to the backend, without any text", async () => {
    const asks: AskEvent[] = [];
    const calls: BackendEvent[] = [];
    const onAsk = (event: unknown) => void asks.push(event as AskEvent);
    const onCall = (event: unknown) => void calls.push(event as BackendEvent);
    diagnostics.subscribe("deep-agent:ask", onAsk);
    diagnostics.subscribe("deep-agent:backend", onCall);
    try {
      const usage = { promptTokens: 3, completionTokens: 4, totalTokens: 7 };
      const { agent, store } = remembering(new ScriptedModel({ text: ["canary"], usage }));
      await agent.ask("canary");
      failing(store, "read");
      await expect(agent.ask("canary")).rejects.toThrow();
      expect(asks).toEqual([
        {
          memoryId: ID,
          toolRounds: 0,
          usage,
          ms: expect.objectContaining({ load: expect.any(Number), model: expect.any(Number) }),
        },
        {
          memoryId: ID,
          toolRounds: 0,
          usage: null,
          ms: expect.anything(),
          error: expect.objectContaining({ code: "UNAVAILABLE" }),
        },
      ]);
      expect(
        calls.map((event) => event.type === "call" && [event.method, event.backend, event.error !== undefined]),
      ).toEqual([
        ["read", "reference-log", false],
        ["append", "reference-log", false],
        ["read", "reference-log", true],
      ]);
      expect(inspect([asks, calls], { depth: 10 })).not.toContain("canary");
    } finally {
      diagnostics.unsubscribe("deep-agent:ask", onAsk);
      diagnostics.unsubscribe("deep-agent:backend", onCall);
    }
  });
});
