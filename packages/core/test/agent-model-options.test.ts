import { describe, expect, it } from "@jest/globals";
import { defineTool, type ModelOptions } from "../src/index.ts";
import { ID, remembering } from "./support/agents.ts";
import { ScriptedModel } from "./support/scripted-model.ts";

const clock = defineTool({ name: "clock", execute: () => "12:00" });
const call = (id: string) => ({ id, name: "clock", arguments: "{}" });

/** The options of each request of a turn with two rounds of tools. */
async function sent(options: ModelOptions) {
  const model = new ScriptedModel({ calls: [call("a")] }, { calls: [call("b")] }, { text: ["Noon."] });
  const { agent } = remembering(model, { tools: [clock] });
  expect(await agent.withModelOptions(options).ask("What time is it?")).toBe("Noon.");
  return model.requests.map((request) => request.options);
}

describe("a tool_choice that forces a call", () => {
  it.each([
    "required",
    "any",
    { type: "function", function: { name: "clock" } },
    { type: "allowed_tools", allowed_tools: { mode: "required", tools: [] } },
  ])("holds for the first request of a turn, so that the turn can end: %j", async (choice) => {
    const options = { tool_choice: choice, temperature: 0.2 };
    expect(await sent(options)).toEqual([
      options,
      { tool_choice: "auto", temperature: 0.2 },
      { tool_choice: "auto", temperature: 0.2 },
    ]);
    expect(options.tool_choice).toBe(choice);
  });

  it("holds again in the next turn", async () => {
    const model = new ScriptedModel(({ messages, options }) =>
      messages.at(-1)?.role === "user" ? { calls: [call("a")] } : { text: [String(options["tool_choice"])] },
    );
    const { agent } = remembering(model, { tools: [clock], modelOptions: { tool_choice: "required" } });
    for (const question of ["one", "two"]) expect(await agent.ask(question)).toBe("auto");
    expect(model.requests.map(({ options }) => options["tool_choice"])).toEqual([
      "required",
      "auto",
      "required",
      "auto",
    ]);
  });

  it.each(["auto", "none", undefined, { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } }])(
    "is not one that leaves the choice, which holds for every request: %j",
    async (choice) => {
      const options = { tool_choice: choice };
      expect(await sent(options)).toEqual([options, options, options]);
    },
  );
});

describe("a function for the model options", () => {
  it("is asked for each request, with the number of tool rounds, and decides alone", async () => {
    const options = await sent((round) => ({ tool_choice: "required", round }));
    expect(options).toEqual([0, 1, 2].map((round) => ({ tool_choice: "required", round })));
  });

  it.each<[string, () => unknown]>([
    ["nothing", () => undefined],
    ["a promise", async () => ({})],
    ["text", () => "auto"],
  ])("must not return %s", async (_what, made) => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["Hi"] }));
    const asking = agent.withModelOptions(made as ModelOptions).ask("Hello");
    await expect(asking).rejects.toMatchObject({ code: "INVALID_CONFIG" });
    expect(store.records(ID)).toBeNull();
  });

  it("rejects the ask with what it throws", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["Hi"] }));
    const asking = agent
      .withModelOptions(() => {
        throw new Error("no options today");
      })
      .ask("Hello");
    await expect(asking).rejects.toThrow("no options today");
    expect(store.records(ID)).toBeNull();
  });
});
