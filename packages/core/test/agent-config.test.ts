import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Agent, defineTool } from "../src/index.ts";
import { ID, remembering } from "./support/agents.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { bare, echoModel, ScriptedModel } from "./support/scripted-model.ts";

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

  it("gives the same agent in every order of the fluent calls, and by options", async () => {
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

  it("refuses another backend after a memory was opened", async () => {
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
    ["a history of no messages", (agent) => agent.withMaxHistory(0), "INVALID_ARGUMENT"],
    ["a negative number of tokens", (agent) => agent.withMaxTokens(-1), "INVALID_ARGUMENT"],
    ["rounds that are not a number", (agent) => agent.withMaxToolRounds(Number.NaN), "INVALID_CONFIG"],
    ["an unknown policy", (agent) => agent.withAbortPolicy("maybe" as never), "INVALID_CONFIG"],
    ["an unknown conflict policy", (agent) => agent.withConflictPolicy("retry" as never), "INVALID_CONFIG"],
    ["a prompt that is not text", (agent) => agent.withSystem(1 as never), "INVALID_CONFIG"],
    ["one tool twice", (agent) => agent.withTool(lookup).withTool(lookup), "INVALID_CONFIG"],
    ["a tool that does nothing", (agent) => agent.withTool({ name: "x" } as never), "INVALID_CONFIG"],
  ])("refuses %s", (_what, configure, code) => {
    const agent = new Agent({ model: echoModel() });
    expect(() => configure(agent)).toThrow(expect.objectContaining({ code }));
  });

  it("refuses an unknown option", () => {
    const options = { model: echoModel(), longMemroy: ID };
    expect(() => new Agent(options)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("counts tokens with the given function, in any order of the calls", async () => {
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

  it("refuses another backend after the first use, even with another id", async () => {
    const { agent } = remembering();
    await agent.listLongMemories();
    agent.withLongMemory("user-bob");
    expect(() => agent.usingBackend(new ReferenceLog())).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("refuses an agent without a model", () => {
    expect(() => new Agent({} as never)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
    expect(() => new Agent(undefined as never)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("refuses an invalid question, before anything is called", async () => {
    const { store, agent, model } = remembering();
    for (const input of [undefined, null, 7, [], [{ type: "text", text: Number.NaN }]]) {
      await expect(agent.ask(input as never)).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
    }
    expect(model.requests).toEqual([]);
    expect(store.calls).toEqual([]);
  });
});
