import diagnostics from "node:diagnostics_channel";
import { inspect } from "node:util";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  Agent,
  type AgentOptions,
  type AskEvent,
  type BackendEvent,
  defineTool,
  type MemoryBackend,
  MemoryError,
  type Message,
} from "../src/index.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { bare, echoModel, ScriptedModel } from "./support/scripted-model.ts";

const ID = "user-alice";

function contents(messages: readonly Message[] | null): unknown[] {
  return messages?.map(({ content }) => content) ?? [];
}

function remembering(model = echoModel(), options: Partial<AgentOptions> = {}) {
  const store = new ReferenceLog();
  const agent = new Agent({ model, longMemory: ID, backend: store, ...options });
  return { store, model, agent };
}

function failing(store: ReferenceLog, method: string, outcome: "not-applied" | "unknown" = "not-applied") {
  store.around = async (called, call) => {
    if (called !== method) return call();
    if (outcome === "unknown") await call();
    throw new MemoryError("UNAVAILABLE", "The store is away.", { outcome, retryable: true });
  };
  return () => {
    store.around = (_method, call) => call();
  };
}

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
  it("has stored the turn when ask resolves, and remembers in another agent", async () => {
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

  it("stores parts as they are, and nothing of the caller's is aliased", async () => {
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

  it("sends no call without its result and no result without its call, whatever others have stored", async () => {
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

  it("runs asks one after the other", async () => {
    const { store, agent } = remembering();
    await Promise.all(["one", "two", "three"].map((text) => agent.ask(text)));
    expect(contents(store.records(ID)).filter((text) => !String(text).startsWith("You"))).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  it("deletes the memory in the store and in RAM, behind the asks before it", async () => {
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

  it("says what failed, and keeps it", async () => {
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

  it("loads the memory anew on demand", async () => {
    const { store, agent } = remembering();
    await store.append(ID, [{ role: "user", content: "x", id: "1", createdAt: 0 }]);
    await agent.loadLongMemory();
    expect(contents(agent.getHistory())).toEqual(["x"]);
    agent.clear();
    await agent.loadLongMemory();
    expect(contents(agent.getHistory())).toEqual(["x"]);
  });
});

describe("the life of a turn", () => {
  it("needs a backend for long memory, and says which packages have one", async () => {
    const agent = new Agent({ model: echoModel() }).withLongMemory(ID);
    await expect(agent.ask("hello")).rejects.toMatchObject({ code: "BACKEND_REQUIRED", memoryId: ID });
    await expect(agent.ask("hello")).rejects.toThrow(/@deep-agent\/redis.*@deep-agent\/file.*@deep-agent\/in-memory/);
    await expect(agent.listLongMemories()).rejects.toMatchObject({ code: "BACKEND_REQUIRED" });
  });

  it("needs an id for what is done to long memory", async () => {
    const agent = new Agent({ model: echoModel(), backend: new ReferenceLog() });
    for (const method of ["saveLongMemory", "loadLongMemory", "deleteLongMemory"] as const) {
      await expect(agent[method]()).rejects.toMatchObject({ code: "MEMORY_ID_REQUIRED" });
    }
  });

  it("ends before the model is called where loading fails", async () => {
    const { store, agent, model } = remembering();
    failing(store, "read");
    await expect(agent.ask("hello")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(model.requests).toHaveLength(0);
    expect(store.records(ID)).toBeNull();
  });

  it("ends before the model is called where a pending turn cannot be stored", async () => {
    const { store, agent, model } = remembering();
    failing(store, "append");
    await expect(agent.ask("one")).rejects.toMatchObject({ code: "SAVE_FAILED" });
    await expect(agent.ask("two")).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(model.requests).toHaveLength(1);
  });

  it("stores nothing where the model fails", async () => {
    const { store, agent } = remembering(
      new ScriptedModel({ text: ["half"], error: new Error("overloaded") }, { text: ["well"] }),
    );
    await expect(agent.ask("one")).rejects.toThrow("overloaded");
    expect(store.records(ID)).toBeNull();
    expect(agent.getHistory()).toEqual([]);
    await agent.ask("two");
    expect(store.records(ID)).toHaveLength(2);
  });

  it("stores nothing where the model's stream ends without an end", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["half"], breaksOff: true }));
    await expect(agent.ask("one")).rejects.toThrow("broke off");
    expect(store.records(ID)).toBeNull();
  });

  it.each(["not-applied", "unknown"] as const)(
    "gives the reply where saving fails (%s), and stores the turn once with the next ask",
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

  it("stores a pending turn by saveLongMemory, whatever id the agent has now", async () => {
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

  it("says that a turn is not kept where it can never be stored", async () => {
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

  it("appends to what is there where the memory was deleted meanwhile", async () => {
    const { store, agent } = remembering();
    await agent.ask("one");
    await store.delete(ID);
    await agent.ask("two");
    expect(contents(store.records(ID))).toEqual(["two", "You said: two"]);
    expect(contents(agent.getHistory())).toEqual(["two", "You said: two"]);
  });

  it("rejects under the policy 'throw' with the reply, and keeps nothing, where someone else wrote meanwhile", async () => {
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

  it("reports what the store lost, and goes on", async () => {
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

describe("configuring an agent", () => {
  const lookup = defineTool({ name: "lookup", execute: () => "found" });
  const steps: ((agent: Agent, store: ReferenceLog) => Agent)[] = [
    (agent) => agent.withSystem("Be brief."),
    (agent) => agent.withShortMemory(),
    (agent) => agent.withLongMemory(ID),
    (agent, store) => agent.usingBackend(store),
    (agent) => agent.withMaxHistory(4),
    (agent) => agent.withTool(lookup),
    (agent) => agent.withModelOptions({ temperature: 0 }),
    (agent) => agent.withAutoSaveLongMemory(true),
    (agent) => agent.withMaxTokens(1_000),
  ];

  async function behaviour(configure: (model: ScriptedModel, store: ReferenceLog) => Agent) {
    const model = new ScriptedModel(({ messages }) =>
      messages.at(-1)?.role === "user" ? { calls: [{ id: "1", name: "lookup", arguments: "{}" }] } : { text: ["ok"] },
    );
    const store = new ReferenceLog();
    await store.append(ID, [{ role: "user", content: "before", id: "0", createdAt: 0 }]);
    const agent = configure(model, store);
    for (const text of ["one", "two"]) await agent.ask(text);
    return {
      requests: model.requests.map(({ messages, tools, options }) => ({
        messages: messages.map(bare),
        tools,
        options,
      })),
      stored: store.records(ID)?.map(bare),
      history: agent.getHistory().map(bare),
    };
  }

  it("means the same in every order of the fluent calls, and by options", async () => {
    const expected = await behaviour(
      (model, store) =>
        new Agent({
          model,
          system: "Be brief.",
          shortMemory: true,
          longMemory: ID,
          backend: store,
          maxHistory: 4,
          tools: [lookup],
          modelOptions: { temperature: 0 },
          autoSaveLongMemory: true,
          maxTokens: 1_000,
        }),
    );
    expect(expected.stored).toHaveLength(9);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(steps, { minLength: steps.length }), async (order) => {
        const seen = await behaviour((model, store) =>
          order.reduce((agent, step) => step(agent, store), new Agent({ model })),
        );
        expect(seen).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it("does not change the options object", () => {
    const options = Object.freeze({
      model: echoModel(),
      tools: Object.freeze([lookup]),
      modelOptions: Object.freeze({ a: 1 }),
    });
    new Agent(options)
      .withSystem("x")
      .withTool(defineTool({ name: "other", execute: () => "" }))
      .withModelOptions({});
    expect(Object.keys(options)).toEqual(["model", "tools", "modelOptions"]);
  });

  it("refuses another backend once a memory is open in one", async () => {
    const { agent, store } = remembering();
    agent.usingBackend(new ReferenceLog()).usingBackend(store);
    await agent.ask("hello");
    expect(() => agent.usingBackend(new ReferenceLog())).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(agent.usingBackend(store)).toBe(agent);
  });

  it.each<[string, (agent: Agent) => unknown, string]>([
    ["an empty id", (agent) => agent.withLongMemory(""), "INVALID_MEMORY_ID"],
    ["a lone surrogate", (agent) => agent.withLongMemory("\ud800"), "INVALID_MEMORY_ID"],
    ["no id", (agent) => agent.withLongMemory(undefined as never), "INVALID_MEMORY_ID"],
    ["no backend", (agent) => agent.usingBackend(undefined as never), "INVALID_CONFIG"],
    ["a history of none", (agent) => agent.withMaxHistory(0), "INVALID_ARGUMENT"],
    ["tokens below none", (agent) => agent.withMaxTokens(-1), "INVALID_ARGUMENT"],
    ["rounds that are no number", (agent) => agent.withMaxToolRounds(Number.NaN), "INVALID_CONFIG"],
    ["a policy that there is not", (agent) => agent.withAbortPolicy("maybe" as never), "INVALID_CONFIG"],
    ["a conflict policy that there is not", (agent) => agent.withConflictPolicy("retry" as never), "INVALID_CONFIG"],
    ["a prompt that is no text", (agent) => agent.withSystem(1 as never), "INVALID_CONFIG"],
    ["one tool twice", (agent) => agent.withTool(lookup).withTool(lookup), "INVALID_CONFIG"],
    ["a tool that does nothing", (agent) => agent.withTool({ name: "x" } as never), "INVALID_CONFIG"],
  ])("refuses %s", (_what, configure, code) => {
    const agent = new Agent({ model: echoModel() });
    expect(() => configure(agent)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses an option that there is not", () => {
    const options = { model: echoModel(), longMemroy: ID };
    expect(() => new Agent(options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("counts tokens by the counter that it was given, whenever that was", async () => {
    let counted = 0;
    const countTokens = () => {
      counted += 1;
      return 1;
    };
    const agent = new Agent({ model: echoModel(), shortMemory: true, countTokens }).withMaxTokens(100);
    await agent.ask("one");
    await agent.ask("two");
    expect(counted).toBeGreaterThan(0);
  });

  it("trims short memory to a limit that was set later", async () => {
    const model = echoModel();
    const agent = new Agent({ model, shortMemory: true });
    for (const text of ["one", "two", "three"]) await agent.ask(text);
    await agent.withMaxHistory(2).ask("four");
    expect(model.sent(3)).toHaveLength(3);
  });

  it("refuses another backend after the first use, also under another id", async () => {
    const { agent } = remembering();
    await agent.listLongMemories();
    agent.withLongMemory("user-bob");
    expect(() => agent.usingBackend(new ReferenceLog())).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("refuses an agent without a model", () => {
    expect(() => new Agent({} as never)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(() => new Agent(undefined as never)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("refuses what cannot be asked, before anything is called", async () => {
    const { store, agent, model } = remembering();
    for (const input of [undefined, null, 7, [], [{ type: "text", text: Number.NaN }]]) {
      await expect(agent.ask(input as never)).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
    }
    expect(model.requests).toEqual([]);
    expect(store.calls).toEqual([]);
  });
});

describe("a question", () => {
  it("is answered as the agent was configured when it was asked", async () => {
    const { agent, model } = remembering(echoModel(), { system: "First." });
    const asked = agent.ask("one");
    agent.withSystem("Later.").withTool(defineTool({ name: "later", execute: () => "" }));
    await asked;
    expect(model.sent(0)[0]).toMatchObject({ content: "First." });
    expect(model.requests[0]?.tools).toEqual([]);
  });

  it("heeds a conflict policy that was set after the first ask", async () => {
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

  it("does not wait for a store that does not answer, where its signal ends the wait", async () => {
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

  it("is refused where its signal is none", async () => {
    const { agent } = remembering();
    await expect(agent.ask("hello", { signal: {} as never })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  it("tells nothing of what a foreign store quotes", async () => {
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

function memoryOf(): MemoryBackend {
  return { load: async () => null, save: async () => undefined, delete: async () => undefined, list: async () => [] };
}

describe("a pending turn that turns out to be no good", () => {
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

  it("can be given up by hand", async () => {
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
  it("tell of each turn and of each call to the backend, without any text", async () => {
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
