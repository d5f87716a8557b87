import { describe, expect, it } from "@jest/globals";
import type { ModelEvent, ToolCall } from "../src/index.ts";
import { eventsOf } from "../src/model/openai/stream.ts";
import { delta, finish } from "./support/chat-server.ts";

/** A piece of a tool call, as servers send it. */
interface ToolCallDelta {
  index?: number | null;
  id?: string | null;
  function?: { name?: string | null; arguments?: unknown } | null;
}

const options = { source: "here", acceptEndMark: false };

async function* served(chunks: unknown[]): AsyncGenerator<unknown> {
  yield* chunks;
}

async function read(...chunks: unknown[]): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of eventsOf(served(chunks), options)) events.push(event);
  return events;
}

/** The calls that result from these pieces, given chunk by chunk. */
async function calls(...chunks: ToolCallDelta[][]): Promise<ToolCall[]> {
  const events = await read(...chunks.map((pieces) => delta({ tool_calls: pieces })), finish("tool_calls"));
  return events.flatMap((event) => (event.type === "tool-call" ? [event.call] : []));
}

function piece(text: string): ToolCallDelta {
  return { function: { arguments: text } };
}

describe("a streamed answer", () => {
  it("gives text and refusals as they arrive, and finishes with the usage", async () => {
    const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
    expect(
      await read(
        delta({ role: "assistant", content: "" }),
        delta({ content: "Hel" }),
        delta({ content: "lo" }),
        delta({ refusal: "No." }),
        finish(),
        { choices: [], usage },
      ),
    ).toEqual([
      { type: "text", text: "Hel" },
      { type: "text", text: "lo" },
      { type: "refusal", text: "No." },
      {
        ...{ type: "finish", finishReason: "stop", providerMetadata: { source: "here", fields: {} } },
        usage: { promptTokens: 5, completionTokens: 2, totalTokens: 7 },
      },
    ]);
  });

  it("takes the last of several usages, adds up a missing total, and works without usage", async () => {
    const running = { ...finish(), usage: { prompt_tokens: 5, completion_tokens: 1 } };
    const total = { choices: null, usage: { prompt_tokens: 5, completion_tokens: 2 } };
    expect(await read(running, total, { choices: [], usage: null })).toEqual([
      { type: "finish", finishReason: "stop", usage: { promptTokens: 5, completionTokens: 2, totalTokens: 7 } },
    ]);
    expect(await read(finish())).toEqual([{ type: "finish", finishReason: "stop" }]);
  });

  it("gives text that comes with the finish reason", async () => {
    expect(await read(delta({ content: "Hi" }, "stop"))).toEqual([
      { type: "text", text: "Hi" },
      { type: "finish", finishReason: "stop" },
    ]);
  });

  it.each(["length", "content_filter", "tool_calls", "eos"])("is finished by the reason %s", async (reason) => {
    expect(await read(delta({ content: "Hi" }), finish(reason))).toHaveLength(2);
  });

  it("ignores other choices, and chunks without content", async () => {
    const other = { choices: [{ index: 1, delta: { content: "other" }, finish_reason: "stop" }] };
    const chunks = [
      null,
      {},
      { choices: [] },
      { choices: [{ delta: null }] },
      other,
      { choices: [{ delta: { content: "Hi" } }] },
    ];
    expect(await read(...chunks, finish())).toEqual([
      { type: "text", text: "Hi" },
      { type: "finish", finishReason: "stop" },
    ]);
  });
});

describe("half an answer is a failure", () => {
  it.each<[string, unknown[]]>([
    ["nothing", []],
    ["text without a finish reason", [delta({ content: "Hi" })]],
    ["an empty finish reason", [delta({ content: "Hi" }, "")]],
    ["a finish reason of another choice", [{ choices: [{ index: 1, finish_reason: "stop" }] }]],
  ])("%s", async (_what, chunks) => {
    await expect(read(...chunks)).rejects.toThrow("broke off");
  });

  it("gives no tool call", async () => {
    const events: ModelEvent[] = [];
    const chunks = [
      delta({ tool_calls: [{ index: 0, id: "call_1", function: { name: "weather", arguments: "{}" } }] }),
    ];
    const reading = (async () => {
      for await (const event of eventsOf(served(chunks), options)) events.push(event);
    })();
    await expect(reading).rejects.toThrow("broke off");
    expect(events).toEqual([]);
  });

  it.each<[string, object, string]>([
    ["an error object", { error: { message: "overloaded" } }, "overloaded"],
    ["an error text", { error: "overloaded" }, "overloaded"],
    ["an error that says nothing", { error: {} }, "does not say why"],
    ["the finish reason `error`", finish("error"), "failed"],
  ])("reports %s, even after a finish reason", async (_what, chunk, message) => {
    await expect(read(delta({ content: "Hi" }), finish(), chunk)).rejects.toThrow(message);
  });
});

describe("tool calls are assembled", () => {
  const weather = { id: "call_1", name: "weather", arguments: '{"city":"Lisbon"}' };
  const clock = { id: "call_2", name: "clock", arguments: "{}" };

  it("as OpenAI sends them, in parallel and interleaved", async () => {
    expect(
      await calls(
        [{ index: 0, id: "call_1", function: { name: "weather", arguments: "" } }],
        [{ index: 1, id: "call_2", function: { name: "clock", arguments: "" } }],
        [{ index: 0, ...piece('{"city":') }],
        [{ index: 1, ...piece("{}") }],
        [{ index: 0, ...piece('"Lisbon"}') }],
      ),
    ).toEqual([weather, clock]);
  });

  it("if a call arrives whole, and several in one chunk", async () => {
    const whole = (call: ToolCall) => ({ id: call.id, function: { name: call.name, arguments: call.arguments } });
    expect(await calls([whole(weather)], [whole(clock)])).toEqual([weather, clock]);
    expect(await calls([whole(weather), whole(clock)])).toEqual([weather, clock]);
  });

  it("if every call has the index 0", async () => {
    expect(
      await calls(
        [{ index: 0, id: "call_1", function: { name: "weather", arguments: weather.arguments } }],
        [{ index: 0, id: "call_2", function: { name: "clock", arguments: "{}" } }],
      ),
    ).toEqual([weather, clock]);
  });

  it("if the id and the name are repeated, or every piece has a different id", async () => {
    expect(
      await calls(
        [{ index: 0, id: "call_1", function: { name: "weather", arguments: '{"city":' } }],
        [{ index: 0, id: "call_1", function: { name: "weather", arguments: '"Lis' } }],
        [{ index: 0, id: "call_9", function: { arguments: 'bon"}' } }],
      ),
    ).toEqual([weather]);
  });

  it("if the index is left out", async () => {
    expect(
      await calls(
        [{ id: "call_1", function: { name: "weather", arguments: '{"city":' } }],
        [piece('"Lisbon"}')],
        [{ id: "call_2", function: { name: "clock", arguments: "{" } }],
        [{ id: "call_2", function: { arguments: "}" } }],
      ),
    ).toEqual([weather, clock]);
  });

  it("if index and id are left out, each with an id of its own", async () => {
    const made = await calls(
      [{ function: { name: "weather", arguments: '{"city":' } }],
      [{ function: { name: "weather", arguments: '"Lisbon"}' } }],
      [{ function: { name: "weather", arguments: '{"city":"Porto"}' } }],
      [{ function: { name: "clock" } }, { function: { name: "clock" } }],
    );
    expect(made.map(({ name, arguments: text }) => [name, text])).toEqual([
      ["weather", '{"city":"Lisbon"}'],
      ["weather", '{"city":"Porto"}'],
      ["clock", ""],
      ["clock", ""],
    ]);
    expect(new Set(made.map(({ id }) => id)).size).toBe(4);
    expect(made.every(({ id }) => /^[A-Za-z0-9]{9}$/.test(id))).toBe(true);
  });

  it("if two calls have the same id", async () => {
    const made = await calls([
      { index: 0, id: "call_1", function: { name: "weather", arguments: "{}" } },
      { index: 1, id: "call_1", function: { name: "clock", arguments: "{}" } },
    ]);
    expect(made.map(({ name }) => name)).toEqual(["weather", "clock"]);
    expect(made[0]?.id).toBe("call_1");
    expect(made[1]?.id).not.toBe("call_1");
  });

  it("if the arguments are an object, or null", async () => {
    expect(
      await calls([
        { index: 0, id: "call_1", function: { name: "weather", arguments: { city: "Lisbon" } } },
        { index: 1, id: "call_2", function: { name: "clock", arguments: null } },
      ]),
    ).toEqual([weather, { ...clock, arguments: "" }]);
  });

  it("even if the finish reason does not mention them", async () => {
    const whole = { index: 0, id: "call_2", function: { name: "clock", arguments: "{}" } };
    expect(await read(delta({ content: "Let me see. ", tool_calls: [whole] }), finish("stop"))).toEqual([
      { type: "text", text: "Let me see. " },
      { type: "tool-call", call: clock },
      { type: "finish", finishReason: "stop", providerMetadata: { source: "here", fields: {} } },
    ]);
  });

  it("but not if a call has no name", async () => {
    await expect(calls([{ index: 0, id: "call_1", function: { arguments: "{}" } }])).rejects.toThrow(
      "`choices[0].delta.tool_calls[0].function.name`: it is missing",
    );
  });
});
