import { describe, expect, it } from "@jest/globals";
import {
  Agent,
  assistant,
  defineTool,
  fromOpenAIAnswer,
  type Message,
  type ModelEvent,
  OpenAIModel,
} from "../src/index.ts";
import { eventsOf } from "../src/model/openai/stream.ts";
import { toOpenAIMessages } from "../src/model/openai/to-openai.ts";
import { ChatServer, delta, finish, type Script, streams } from "./support/chat-server.ts";
import { ReferenceLog } from "./support/reference-log.ts";

const SOURCE = "http://127.0.0.1/v1 test-model";
const ID = "user-alice";

async function read(...chunks: unknown[]): Promise<ModelEvent[]> {
  async function* served(): AsyncGenerator<unknown> {
    yield* chunks;
  }
  const events: ModelEvent[] = [];
  for await (const event of eventsOf(served(), { source: SOURCE, acceptEndMark: false })) events.push(event);
  return events;
}

function joined(events: readonly ModelEvent[], type: "text" | "reasoning"): string {
  return events.map((event) => (event.type === type ? event.text : "")).join("");
}

function callsIn(events: readonly ModelEvent[]): { name: string; arguments: string }[] {
  return events.flatMap((event) =>
    event.type === "tool-call" ? [{ name: event.call.name, arguments: event.call.arguments }] : [],
  );
}

function fieldsOf(events: readonly ModelEvent[]): unknown {
  const end = events.at(-1);
  return end?.type === "finish" ? end.providerMetadata?.fields : undefined;
}

describe("thoughts of Google's endpoint", () => {
  const mark = { google: { thought: true } };

  it("end at their tag: what follows is the answer, with its calls and signature", async () => {
    const message = {
      content: "<thought>hmm</thought>Answer",
      extra_content: { google: { thought: true, thought_signature: "s" } },
      tool_calls: [{ id: "c", function: { name: "w", arguments: "{}" } }],
    };
    const events = await read({ choices: [{ message, finish_reason: "tool_calls" }] });
    expect([joined(events, "reasoning"), joined(events, "text")]).toEqual(["hmm", "Answer"]);
    expect(callsIn(events)).toEqual([{ name: "w", arguments: "{}" }]);
    expect(fieldsOf(events)).toEqual({ extra_content: { google: { thought_signature: "s" } } });
  });

  it("may be streamed, and leave no mark", async () => {
    const events = await read(
      delta({ content: "<thought>h", extra_content: mark }),
      delta({ content: "mm", extra_content: mark }),
      delta({ content: "</thought>Hi" }),
      finish(),
    );
    expect([joined(events, "reasoning"), joined(events, "text")]).toEqual(["hmm", "Hi"]);
    expect(fieldsOf(events)).toBeUndefined();
  });

  it("are told apart in an imported answer, too", () => {
    const message = { role: "assistant", content: "<thought>hmm</thought>Hi", extra_content: mark };
    expect(fromOpenAIAnswer(message, SOURCE)).toMatchObject({ content: "Hi", reasoning: "hmm" });
  });
});

describe("reasoning under two names", () => {
  it.each([
    [[{ reasoning_content: "", reasoning: "think" }], "reasoning"],
    [[{ reasoning: "" }, { reasoning_content: "think" }], "reasoning_content"],
    [
      [
        { reasoning: "thi", reasoning_content: "thi" },
        { reasoning: "nk", reasoning_content: "nk" },
      ],
      "reasoning_content",
    ],
    [[{ reasoning_content: "think" }, { reasoning_content: "", reasoning: "think" }], "reasoning_content"],
  ])("is that of the name with text: %j", async (deltas, reasoningField) => {
    const events = await read(...deltas.map((one) => delta(one)), delta({ content: "Hi" }), finish());
    expect(joined(events, "reasoning")).toBe("think");
    expect(events.at(-1)).toMatchObject({ providerMetadata: { reasoningField } });
  });

  it("goes back under the newest of them", () => {
    const answer = (reasoningField: string): Message =>
      assistant("Hi", {
        ...{ reasoning: "think", toolCalls: [{ id: "c", name: "w", arguments: "{}" }] },
        providerMetadata: { source: SOURCE, fields: {}, reasoningField },
      });
    const sent = toOpenAIMessages([answer("reasoning_content"), answer("reasoning")], { source: SOURCE });
    expect(sent).toMatchObject([{ reasoning: "think" }, { reasoning: "think" }]);
  });
});

describe("an unknown field that is repeated", () => {
  it("has the last value, and text in pieces is joined", async () => {
    const events = await read(
      delta({ channel: "analysis", thoughts: "ha" }),
      delta({ channel: "final", thoughts: "ha", content: "Hi" }),
      finish(),
    );
    expect(fieldsOf(events)).toEqual({ channel: "final", thoughts: "haha" });
  });
});

describe("the end of an answer", () => {
  it.each(["TIMEOUT", "IMAGE_SAFETY", "incomplete", "content-filter", "FinishReason.MAX_TOKENS", "max-tokens"])(
    "%s is that of a cut one",
    async (reason) => {
      expect((await read(delta({ content: "Hi" }), finish(reason))).at(-1)).toMatchObject({ incomplete: true });
    },
  );

  it.each(["stop", "tool_calls", "eos", "end_turn", "stop_sequence", "STOP"])(
    "%s is that of a whole one",
    async (reason) => {
      expect((await read(delta({ content: "Hi" }), finish(reason))).at(-1)).not.toHaveProperty("incomplete");
    },
  );

  it("stays cut if another reason follows", async () => {
    expect((await read(delta({ content: "Hi" }), finish("length"), finish("stop"))).at(-1)).toMatchObject({
      ...{ finishReason: "length", incomplete: true },
    });
  });
});

describe("calls in other shapes", () => {
  it.each<[string, object[][], { name: string; arguments: string }[]]>([
    [
      "without an object around the name",
      [[{ id: "a", name: "w", arguments: "{}" }]],
      [{ name: "w", arguments: "{}" }],
    ],
    [
      "with null before the arguments",
      [
        [{ index: 0, id: "a", function: { name: "w", arguments: "null" } }],
        [{ index: 0, function: { arguments: '{"a":1}' } }],
      ],
      [{ name: "w", arguments: '{"a":1}' }],
    ],
    [
      "and again at another index",
      [
        [{ index: 0, id: "a", function: { name: "w", arguments: '{"a":1}' } }],
        [{ index: 1, function: { arguments: '{"a":1}' } }],
      ],
      [{ name: "w", arguments: '{"a":1}' }],
    ],
    [
      "in turns, with ids and without an index",
      [
        [{ id: "a", function: { name: "w", arguments: '{"a":' } }],
        [{ id: "b", function: { name: "w", arguments: '{"b":' } }],
        [{ id: "a", function: { arguments: "1}" } }],
        [{ id: "b", function: { arguments: "2}" } }],
      ],
      [
        { name: "w", arguments: '{"a":1}' },
        { name: "w", arguments: '{"b":2}' },
      ],
    ],
  ])("%s", async (_what, pieces, calls) => {
    const events = await read(...pieces.map((one) => delta({ tool_calls: one })), finish("tool_calls"));
    expect(callsIn(events)).toEqual(calls);
  });
});

describe("messages in the place of deltas", () => {
  const message = (fields: object, reason: string | null = null): object => ({
    choices: [{ message: fields, finish_reason: reason }],
  });

  it("may be pieces after a delta that says nothing", async () => {
    const events = await read(
      delta({ role: "assistant", content: "" }),
      message({ content: "Hel" }),
      message({ content: "lo" }, "stop"),
    );
    expect(joined(events, "text")).toBe("Hello");
  });

  it("may be the whole after its pieces, and bring what did not come in pieces", async () => {
    const events = await read(
      message({ content: "Hel" }),
      message({ content: "lo" }),
      message({ content: "Hello", reasoning_content: "think", citations: ["a"] }, "stop"),
    );
    expect([joined(events, "text"), joined(events, "reasoning")]).toEqual(["Hello", "think"]);
    expect(fieldsOf(events)).toEqual({ citations: ["a"] });
  });
});

describe("an answer that says nothing", () => {
  it.each([
    { content: "", provider_specific_fields: { a: 1 } },
    { content: "  ", channel: "final" },
    { content: "", reasoning: "think", token_ids: [1] },
  ])("is marked as empty, and not sent again, whatever it has beside: %j", async (fields) => {
    const said = streams(delta({ content: "Hi" }), finish());
    await using server = await ChatServer.start(streams(delta(fields), finish()), said);
    const model = new OpenAIModel("test-model", { apiKey: "k", baseURL: server.baseURL, maxRetries: 0 });
    const ai = new Agent({ model, longMemory: ID, backend: new ReferenceLog() });
    const { message } = await ai.stream("One").reply;
    expect(message.status).toBe("empty");
    await ai.ask("Two");
    expect(server.requests[1]?.body["messages"]).toEqual([
      { role: "user", content: "One" },
      { role: "user", content: "Two" },
    ]);
  });
});

describe("a server that refuses what can be left out is asked again without it", () => {
  /** Refuses, with this text, every request that `isRefused`. */
  function insisting(
    isRefused: (messages: Record<string, unknown>[], body: object) => boolean,
    text: string,
  ): {
    script: Script;
    serve(): Promise<ChatServer>;
  } {
    let server: ChatServer | undefined;
    const script: Script = (response) => {
      const body = server?.requests.at(-1)?.body ?? {};
      const messages = body["messages"] as Record<string, unknown>[];
      if (isRefused(messages, body)) {
        response.writeHead(400, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: { message: text } }));
        return;
      }
      const isFirst = messages.at(-1)?.["role"] === "user";
      const call = { index: 0, id: "call_1", function: { name: "w", arguments: "{}" } };
      const answer = isFirst ? { tool_calls: [call], channel: "analysis" } : { content: "Hi" };
      void streams(delta(answer), finish())(response);
    };
    return {
      script,
      async serve() {
        server = await ChatServer.start(script);
        return server;
      },
    };
  }

  async function twoTurns(server: ChatServer): Promise<void> {
    const model = new OpenAIModel("test-model", { apiKey: "k", baseURL: server.baseURL, maxRetries: 0 });
    const tools = [defineTool({ name: "w", execute: () => "done" })];
    const ai = new Agent({ model, longMemory: ID, backend: new ReferenceLog(), tools });
    expect(await ai.ask("One")).toBe("Hi");
    expect(await ai.ask("Two")).toBe("Hi");
  }

  it.each<[string, Parameters<typeof insisting>[0], string]>([
    [
      "a field of its own answers",
      (messages) => messages.some((message) => "channel" in message),
      "'messages.1' : property 'channel' is unsupported",
    ],
    [
      "null as the content beside calls",
      (messages) => messages.some(({ content }) => content === null),
      "Invalid 'content': 'content' field must be a string or an array of objects.",
    ],
    ["the question for the usage", (_messages, body) => "stream_options" in body, "stream_options: Extra inputs"],
  ])("%s", async (_what, isRefused, text) => {
    await using server = await insisting(isRefused, text).serve();
    await twoTurns(server);
    expect(server.requests).toHaveLength(5); // four, and the one that was refused: it is remembered
  });

  it("but not if that is refused as well: the first refusal is told", async () => {
    await using server = await insisting(({ length }) => length > 1, "the content must be text, not null").serve();
    await expect(twoTurns(server)).rejects.toThrow("the content must be text, not null");
    expect(server.requests).toHaveLength(3);
  });
});

describe("arguments that are not a JSON object", () => {
  it.each(["[1,2]", "null", "1", '"text"'])("do not run a tool without a schema, either: %s", async (text) => {
    let runs = 0;
    const call = { index: 0, id: "call_1", function: { name: "w", arguments: text } };
    await using server = await ChatServer.start(
      streams(delta({ tool_calls: [call] }), finish("tool_calls")),
      streams(delta({ content: "Hi" }), finish()),
    );
    const model = new OpenAIModel("test-model", { apiKey: "k", baseURL: server.baseURL, maxRetries: 0 });
    const store = new ReferenceLog();
    const ai = new Agent({ model, longMemory: ID, backend: store }).withTool(
      defineTool({
        name: "w",
        execute: () => {
          runs += 1;
        },
      }),
    );
    await ai.ask("Go");
    expect(runs).toBe(0);
    expect(store.records(ID)?.[2]).toMatchObject({
      status: "error",
      content: expect.stringContaining("not a JSON object"),
    });
  });
});

describe("errors in a stream", () => {
  it("are not told if they are empty and stand beside a piece", async () => {
    const beside = (error: unknown): object => ({ ...delta({ content: "Hi" }), error });
    expect(joined(await read(beside(""), beside({}), beside(null), finish()), "text")).toBe("HiHiHi");
  });
});
