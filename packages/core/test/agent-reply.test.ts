import { describe, expect, it } from "@jest/globals";
import { type AssistantMessage, defineTool, type ToolCall } from "../src/index.ts";
import { ID, remembering } from "./support/agents.ts";
import { bare, ScriptedModel } from "./support/scripted-model.ts";

const lisbon: ToolCall = { id: "call_1", name: "weather", arguments: '{"city":"Lisbon"}' };
const porto: ToolCall = { id: "call_2", name: "weather", arguments: '{"city":"Porto"}' };

function weather() {
  const ran: unknown[] = [];
  const tool = defineTool({
    name: "weather",
    execute: (args) => {
      ran.push(args);
      return "21";
    },
  });
  return { ran, tool };
}

async function collect(pieces: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

describe("a reply is complete", () => {
  it("with text, reasoning, calls of all rounds, reason, usage and message", async () => {
    const usage = { promptTokens: 1, completionTokens: 2, totalTokens: 3 };
    const { tool } = weather();
    const { store, agent } = remembering(
      new ScriptedModel(
        { reasoning: ["Ask ", "the tool."], calls: [lisbon], usage, finish: { finishReason: "tool_calls" } },
        { calls: [porto], usage, finish: { finishReason: "tool_calls" } },
        { reasoning: ["Now ", "I know."], text: ["21 ", "both."], usage, finish: { finishReason: "stop" } },
      ),
      { tools: [tool] },
    );
    const reply = await agent.stream("Weather?").reply;
    expect(reply).toEqual({
      text: "21 both.",
      reasoning: "Now I know.",
      toolCalls: [lisbon, porto],
      finishReason: "stop",
      usage: { promptTokens: 3, completionTokens: 6, totalTokens: 9 },
      message: store.records(ID)?.at(-1),
    });
    expect(store.records(ID)?.map(bare)).toEqual([
      { role: "user", content: "Weather?" },
      { role: "assistant", content: null, reasoning: "Ask the tool.", toolCalls: [lisbon], usage },
      { role: "tool", content: "21", toolCallId: "call_1", name: "weather" },
      { role: "assistant", content: null, toolCalls: [porto], usage },
      { role: "tool", content: "21", toolCallId: "call_2", name: "weather" },
      { role: "assistant", content: "21 both.", reasoning: "Now I know.", usage },
    ]);
  });

  it("also if the model says no more than its text", async () => {
    const { agent } = remembering(new ScriptedModel({ text: ["Hi"] }));
    expect(await agent.stream("Hello").reply).toMatchObject({
      text: "Hi",
      reasoning: "",
      toolCalls: [],
      finishReason: null,
      usage: null,
    });
  });

  it("and its calls are not those that are stored", async () => {
    const { tool } = weather();
    const { store, agent } = remembering(new ScriptedModel({ calls: [lisbon] }, { text: ["21"] }), { tools: [tool] });
    const { toolCalls } = await agent.stream("Weather?").reply;
    for (const call of toolCalls) call.name = "changed";
    expect(store.records(ID)?.[1]).toMatchObject({ toolCalls: [lisbon] });
    expect(agent.getHistory()[1]).toMatchObject({ toolCalls: [lisbon] });
  });
});

describe("the reasoning of a stream", () => {
  it("arrives beside the text, of all rounds, and both may be read in any order", async () => {
    const { tool } = weather();
    const answers = () => [
      { reasoning: ["Ask ", "the tool."], text: ["Let me look. "], calls: [lisbon] },
      { reasoning: ["I know."], text: ["21 ", "degrees."] },
    ];
    const read = async (order: "text" | "reasoning" | "both") => {
      const { agent } = remembering(new ScriptedModel(...answers()), { tools: [tool] });
      const stream = agent.stream("Weather?");
      if (order === "both") return Promise.all([collect(stream), collect(stream.reasoning)]);
      const first = await collect(order === "text" ? stream : stream.reasoning);
      const second = await collect(order === "text" ? stream.reasoning : stream);
      return order === "text" ? [first, second] : [second, first];
    };
    for (const order of ["text", "reasoning", "both"] as const) {
      expect(await read(order)).toEqual([
        ["Let me look. ", "21 ", "degrees."],
        ["Ask ", "the tool.", "I know."],
      ]);
    }
  });

  it("gives each piece before the next one arrives", async () => {
    const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
    const answer = { reasoning: ["a", "b", "c"], before: (_: unknown, index: number) => gates[index]?.promise };
    const { agent } = remembering(new ScriptedModel(answer));
    const iterator = agent.stream("go").reasoning[Symbol.asyncIterator]();
    for (const [index, piece] of ["a", "b", "c"].entries()) {
      gates[index]?.resolve();
      expect(await iterator.next()).toEqual({ value: piece, done: false });
    }
    expect((await iterator.next()).done).toBe(true);
  });

  it("may be left early: the turn goes on", async () => {
    const { store, agent } = remembering(new ScriptedModel({ reasoning: ["a", "b"], text: ["Hi"] }));
    const stream = agent.stream("go");
    for await (const _piece of stream.reasoning) break;
    expect((await stream.reply).text).toBe("Hi");
    expect(store.records(ID)).toHaveLength(2);
  });

  it("rejects as the reply does, and needs no reader", async () => {
    const { store, agent } = remembering(new ScriptedModel({ reasoning: ["Hm"], error: new Error("overloaded") }));
    const stream = agent.stream("go");
    await expect(collect(stream.reasoning)).rejects.toThrow("overloaded");
    await expect(stream.reply).rejects.toThrow("overloaded");
    await expect(agent.ask("again")).rejects.toThrow("overloaded");
    expect(store.records(ID)).toBeNull();
  });
});

describe("how an answer ended", () => {
  it("is reported of a cut one, whose calls are in the reply and are not run", async () => {
    const { ran, tool } = weather();
    const finish = { finishReason: "length", incomplete: true };
    const model = new ScriptedModel({ text: ["Once "], calls: [lisbon], finish });
    const { store, agent } = remembering(model, { tools: [tool] });
    const reply = await agent.stream("Tell me").reply;
    expect(reply).toMatchObject({ text: "Once ", finishReason: "length", toolCalls: [lisbon] });
    expect(bare(reply.message)).toEqual({
      role: "assistant",
      content: "Once ",
      status: "incomplete",
      finishReason: "length",
    });
    expect(store.records(ID)?.at(-1)).toEqual(reply.message);
    expect(ran).toEqual([]);
    expect(model.requests).toHaveLength(1);
  });

  it("is reported of one that was cut in a later round, after which the conversation goes on", async () => {
    const { ran, tool } = weather();
    const model = new ScriptedModel(
      { calls: [lisbon] },
      { calls: [porto], finish: { finishReason: "content_filter", incomplete: true } },
      { text: ["Fine."] },
    );
    const { store, agent } = remembering(model, { tools: [tool] });
    const reply = await agent.stream("Weather?").reply;
    expect(reply).toMatchObject({ text: "", finishReason: "content_filter", toolCalls: [lisbon, porto] });
    expect(ran).toHaveLength(1);
    expect(store.records(ID)).toHaveLength(4);
    expect(await agent.ask("And now?")).toBe("Fine.");
  });

  it.each([
    ["nothing", {}],
    ["white space", { text: [" ", "\n"] }],
    ["reasoning alone", { reasoning: ["Hm."] }],
  ])("is reported of one that says %s", async (_what, answer) => {
    const { store, agent } = remembering(new ScriptedModel({ ...answer, finish: { finishReason: "stop" } }));
    const reply = await agent.stream("Hello").reply;
    expect(reply).toMatchObject({ finishReason: "stop", message: { status: "empty" } });
    expect(store.records(ID)?.at(-1)).toMatchObject({ status: "empty" });
  });

  it("is reported of an aborted one, with what was thought by then", async () => {
    const controller = new AbortController();
    const before = (_: unknown, index: number) => (index === 2 ? controller.abort(new Error("enough")) : undefined);
    const answer = { reasoning: ["Hm."], text: ["Once ", "upon"], before };
    const { store, agent } = remembering(new ScriptedModel(answer));
    await expect(agent.ask("Tell me", { signal: controller.signal })).rejects.toThrow("enough");
    expect(bare(store.records(ID)?.at(-1) as AssistantMessage)).toEqual({
      role: "assistant",
      content: "Once ",
      reasoning: "Hm.",
      status: "aborted",
    });
  });

  it("is not reported of a whole answer", async () => {
    const { store, agent } = remembering(new ScriptedModel({ text: ["Hi"], finish: { finishReason: "stop" } }));
    await agent.ask("Hello");
    expect(bare(store.records(ID)?.at(-1) as AssistantMessage)).toEqual({ role: "assistant", content: "Hi" });
  });
});
