import { setImmediate as tick } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import { z } from "zod";
import { Agent, defineTool, type Message, type Tool, type ToolCall } from "../src/index.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { bare, ScriptedModel } from "./support/scripted-model.ts";

const ID = "user-alice";

function call(id: string, name: string, args: object | string = {}): ToolCall {
  return { id, name, arguments: typeof args === "string" ? args : JSON.stringify(args) };
}

function agentWith(model: ScriptedModel, ...tools: Tool[]) {
  const store = new ReferenceLog();
  return { store, model, agent: new Agent({ model, tools, longMemory: ID, backend: store }) };
}

/** The tool results that the model was sent in its second request. */
function results(model: ScriptedModel): Message[] {
  return (model.requests[1]?.messages ?? []).filter(({ role }) => role === "tool");
}

const weather = defineTool({
  name: "weather",
  description: "The weather in a city",
  parameters: z.object({ city: z.string(), days: z.number().default(1) }),
  execute: ({ city, days }) => ({ city, days, celsius: 21 }),
});

describe("a tool round", () => {
  it("runs the tool, gives the model its result, and stores the whole turn as one entry", async () => {
    const { store, model, agent } = agentWith(
      new ScriptedModel(
        {
          text: ["Let me look."],
          calls: [call("1", "weather", { city: "Lisbon" })],
          usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 },
        },
        { text: ["It is ", "21 degrees."], usage: { promptTokens: 10, completionTokens: 20, totalTokens: 30 } },
      ),
      weather,
    );
    const stream = agent.stream("How is the weather?");
    const reply = await stream.reply;
    expect(reply).toMatchObject({
      text: "It is 21 degrees.",
      usage: { promptTokens: 11, completionTokens: 22, totalTokens: 33 },
    });
    expect(store.logs.get(ID)?.entries).toHaveLength(1);
    expect(store.records(ID)?.map(bare)).toEqual([
      { role: "user", content: "How is the weather?" },
      {
        role: "assistant",
        content: "Let me look.",
        toolCalls: [call("1", "weather", { city: "Lisbon" })],
        usage: expect.anything(),
      },
      { role: "tool", name: "weather", toolCallId: "1", content: '{"city":"Lisbon","days":1,"celsius":21}' },
      { role: "assistant", content: "It is 21 degrees.", usage: expect.anything() },
    ]);
    expect(model.requests[0]?.tools).toEqual([
      {
        name: "weather",
        description: "The weather in a city",
        parameters: expect.objectContaining({ type: "object", required: ["city"] }),
      },
    ]);
    expect(agent.getHistory()).toEqual(store.records(ID));
  });

  it("is remembered whole by the next agent", async () => {
    const { store, agent } = agentWith(
      new ScriptedModel({ calls: [call("1", "weather", { city: "Rome" })] }, { text: ["Fine."] }),
      weather,
    );
    await agent.ask("Weather?");
    const model = new ScriptedModel({ text: ["ok"] });
    await new Agent({ model, longMemory: ID, backend: store }).ask("And?");
    expect(model.sent(0).slice(0, 4)).toEqual(store.records(ID)?.slice(0, 4).map(bare));
    expect(model.sent(0)[1]).toMatchObject({ content: null });
  });

  it("runs the calls of one answer at the same time, and keeps their order", async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const both = defineTool({
      name: "both",
      execute: async (_args, { toolCallId }) => {
        if (++running === 2) gate.resolve();
        await gate.promise;
        if (toolCallId === "1") await tick();
        return toolCallId;
      },
    });
    const { model, agent } = agentWith(
      new ScriptedModel({ calls: [call("1", "both"), call("2", "both")] }, { text: ["ok"] }),
      both,
    );
    await agent.ask("go");
    expect(results(model).map(bare)).toEqual([
      { role: "tool", name: "both", toolCallId: "1", content: "1" },
      { role: "tool", name: "both", toolCallId: "2", content: "2" },
    ]);
  });

  it.each<[string, ToolCall, Tool, string]>([
    [
      "a tool that throws",
      call("1", "t"),
      defineTool({ name: "t", execute: () => Promise.reject(new Error("no such city")) }),
      "Error: no such city",
    ],
    [
      "an unknown tool",
      call("1", "x"),
      defineTool({ name: "t", execute: () => "" }),
      'Error: There is no tool named "x".',
    ],
    ["arguments that are not JSON", call("1", "weather", "{city"), weather, "Error: The arguments are not JSON."],
    [
      "arguments that do not match the schema",
      call("1", "weather", { city: 7 }),
      weather,
      "Error: The arguments do not match the schema. city: ",
    ],
    ["a result that JSON cannot carry", call("1", "t"), defineTool({ name: "t", execute: () => 1n }), "Error: "],
  ])("tells the model about %s", async (_what, asked, tool, text) => {
    const { store, model, agent } = agentWith(new ScriptedModel({ calls: [asked] }, { text: ["Sorry."] }), tool);
    expect(await agent.ask("go")).toBe("Sorry.");
    expect(results(model)[0]).toMatchObject({
      toolCallId: "1",
      status: "error",
      content: expect.stringContaining(text),
    });
    expect(store.records(ID)).toHaveLength(4);
  });

  it("passes the arguments of a tool without parameters, and empty results", async () => {
    const seen: unknown[] = [];
    const t = defineTool({ name: "t", execute: (args) => void seen.push(args) });
    const { model, agent } = agentWith(
      new ScriptedModel({ calls: [call("1", "t", ""), call("2", "t", { a: 1 })] }, { text: ["ok"] }),
      t,
    );
    await agent.ask("go");
    expect(seen).toEqual([{}, { a: 1 }]);
    expect(results(model).map(({ content }) => content)).toEqual(["", ""]);
  });

  it("ends at the limit of rounds, with nothing stored", async () => {
    const { store, model, agent } = agentWith(
      new ScriptedModel({ calls: [call("1", "weather", { city: "Rome" })] }),
      weather,
    );
    await expect(agent.withMaxToolRounds(3).ask("go")).rejects.toMatchObject({ code: "TOOL_ROUNDS_EXCEEDED" });
    expect(model.requests).toHaveLength(4);
    expect(store.records(ID)).toBeNull();
  });
});

describe("a tool that throws a value that is not an error", () => {
  it.each([Object.create(null), undefined, () => "source", { secret: 1 }])(
    "gives a result too (%#)",
    async (thrown) => {
      const t = defineTool({
        name: "t",
        execute: () => {
          throw thrown;
        },
      });
      const { model, agent } = agentWith(new ScriptedModel({ calls: [call("1", "t")] }, { text: ["ok"] }), t);
      expect(await agent.ask("go")).toBe("ok");
      expect(results(model)[0]).toMatchObject({ status: "error", content: expect.stringMatching(/^Error: /) });
    },
  );
});

describe("a tool's schema", () => {
  it.each([
    ["is plain JSON Schema", { type: "object" }],
    [
      "has no JSON Schema",
      {
        "~standard": {
          version: 1,
          vendor: "x",
          validate: () => ({ value: 1 }),
          jsonSchema: {
            input: () => {
              throw new Error("no");
            },
          },
        },
      },
    ],
  ])("is refused with a typed error if it %s", (_what, parameters) => {
    const agent = new Agent({ model: new ScriptedModel() });
    const tool = { name: "t", parameters, execute: () => "" } as unknown as Tool;
    expect(() => agent.withTool(tool)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("gives the arguments their type", () => {
    defineTool({
      name: "t",
      parameters: z.object({ city: z.string(), days: z.number().default(1) }),
      execute: (args) => expectTypeOf(args).toEqualTypeOf<{ city: string; days: number }>(),
    });
  });

  it("may be given as JSON Schema in addition to a validator without one", async () => {
    const bareSchema = {
      "~standard": {
        version: 1 as const,
        vendor: "test",
        validate: (value: unknown) => ({ value: value as { n: number } }),
      },
    };
    expect(() =>
      new Agent({ model: new ScriptedModel() }).withTool({ name: "t", parameters: bareSchema, execute: () => "" }),
    ).toThrow(expect.objectContaining({ code: "INVALID_CONFIG", message: expect.stringContaining("jsonSchema") }));
    const jsonSchema = { type: "object", properties: { n: { type: "number" } } };
    const { model, agent } = agentWith(new ScriptedModel({ text: ["ok"] }), {
      name: "t",
      parameters: bareSchema,
      jsonSchema,
      execute: () => "",
    });
    await agent.ask("go");
    expect(model.requests[0]?.tools).toEqual([{ name: "t", parameters: jsonSchema }]);
  });
});
