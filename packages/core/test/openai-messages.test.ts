import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import fc from "fast-check";
import type { ChatCompletionMessage, ChatCompletionMessageParam, ChatCompletionTool } from "openai/resources/chat";
import {
  assistant,
  type ContentPart,
  fromOpenAIMessage,
  MemoryError,
  type Message,
  type OpenAIMessage,
  type OpenAIMessageLike,
  system,
  toOpenAIMessages,
  tool,
  user,
} from "../src/index.ts";
import { type OpenAITool, toOpenAITools } from "../src/model/openai/tools.ts";
import { bare } from "./support/scripted-model.ts";

const call = { id: "call_1", name: "weather", arguments: '{"city":"Lisbon"}' };
const picture: ContentPart = { type: "image_url", image_url: { url: "https://example.com/a.png", detail: "low" } };

describe("a conversation goes to the model as Chat Completions", () => {
  it("with every role, and without fields of this library", () => {
    const own = { metadata: { a: 1 }, name: "alice" };
    const sent = toOpenAIMessages([
      system("Be kind."),
      user("Hello", own),
      assistant("Hi", { ...own, usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 } }),
      tool("call_1", "21", { status: "error" }),
    ]);
    expect(sent).toEqual([
      { role: "system", content: "Be kind." },
      { role: "user", content: "Hello", name: "alice" },
      { role: "assistant", content: "Hi", name: "alice" },
      { role: "tool", content: "21", tool_call_id: "call_1" },
    ]);
  });

  it("with parts unchanged", () => {
    const content: ContentPart[] = [
      { type: "text", text: "What is this?" },
      picture,
      { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
      { type: "file", file: { file_id: "file-1" } },
    ];
    expect(toOpenAIMessages([user(content)])).toEqual([{ role: "user", content }]);
  });

  it("with tool calls, null content and refusals", () => {
    expect(toOpenAIMessages([assistant(null, { toolCalls: [call] }), assistant(null, { refusal: "No." })])).toEqual([
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Lisbon"}' } }],
      },
      { role: "assistant", content: null, refusal: "No." },
    ]);
  });

  it("without an empty list of tool calls, and with arguments that parse if the model wrote none", () => {
    const [withoutCalls, empty] = toOpenAIMessages([
      assistant("Hi", { toolCalls: [] }),
      assistant(null, { toolCalls: [{ ...call, arguments: "" }] }),
    ]);
    expect(withoutCalls).toEqual({ role: "assistant", content: "Hi" });
    expect(empty).toMatchObject({ tool_calls: [{ function: { arguments: "{}" } }] });
  });

  it("with an aborted answer as its plain text so far", () => {
    expect(toOpenAIMessages([assistant("Once upon", { status: "aborted" })])).toEqual([
      { role: "assistant", content: "Once upon" },
    ]);
  });

  it("with its tools", () => {
    const parameters = { type: "object", properties: {} };
    expect(
      toOpenAITools([
        { name: "now", parameters },
        { name: "then", description: "Past", parameters },
      ]),
    ).toEqual([
      { type: "function", function: { name: "now", parameters } },
      { type: "function", function: { name: "then", description: "Past", parameters } },
    ]);
  });

  it("in types that the SDK accepts", () => {
    expectTypeOf<OpenAIMessage>().toExtend<ChatCompletionMessageParam>();
    expectTypeOf<OpenAITool>().toExtend<ChatCompletionTool>();
    expectTypeOf<ChatCompletionMessage>().toExtend<OpenAIMessageLike>();
    expectTypeOf<ChatCompletionMessageParam>().toExtend<OpenAIMessageLike>();
  });
});

describe("messages of Chat Completions become messages of a conversation", () => {
  // What every server accepts: other text is repaired on the way out.
  const text = fc.string({ unit: "grapheme" }).filter((value) => value.trim() !== "");
  const name = fc.option(fc.stringMatching(/^[^\s<|\\/>]{1,64}$/), { nil: undefined });
  const textPart = fc.record({ type: fc.constant("text" as const), text });
  const words = fc.oneof(text, fc.array(textPart, { minLength: 1 }));
  const content = fc.oneof(text, fc.array(fc.oneof(textPart, fc.constant(picture)), { minLength: 1 }));
  const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/);
  const toolCalls = fc.uniqueArray(
    fc.record({
      ...{ id, name: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/) },
      arguments: fc.dictionary(fc.string(), fc.jsonValue()).map((value) => JSON.stringify(value)),
    }),
    { selector: (called) => called.id, minLength: 1, maxLength: 3 },
  );
  const message: fc.Arbitrary<Message> = fc.oneof(
    words.map((value) => system(value)),
    fc.tuple(content, name).map(([value, who]) => user(value, who === undefined ? {} : { name: who })),
    fc.tuple(fc.option(words), toolCalls).map(([value, calls]) => assistant(value, { toolCalls: calls })),
    text.map((value) => assistant(null, { refusal: value })),
    fc.tuple(id, text).map(([callId, value]) => tool(callId, value)),
  );

  it("equal to their originals", () => {
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        const [...sent] = messages.flatMap((one) => toOpenAIMessages([one]));
        expect(sent.map((one) => bare(fromOpenAIMessage(one)))).toEqual(messages.map(bare));
      }),
    );
  });

  it("with an id and a time of their own, not aliased", () => {
    const content: ContentPart[] = [{ type: "text", text: "Hello" }];
    const [a, b] = [fromOpenAIMessage({ role: "user", content }), fromOpenAIMessage({ role: "user", content })];
    expect(a.id).not.toBe(b.id);
    expect(a.createdAt).toBeGreaterThan(0);
    expect(a.content).toEqual(content);
    expect(a.content).not.toBe(content);
  });

  it("from an answer of the SDK", () => {
    const answer: ChatCompletionMessage = {
      role: "assistant",
      content: null,
      refusal: null,
      tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: "{}" } }],
    };
    expect(bare(fromOpenAIMessage(answer))).toEqual({
      role: "assistant",
      content: null,
      toolCalls: [{ id: "call_1", name: "weather", arguments: "{}" }],
    });
  });

  it("from a developer's message, and a refusal given as a part", () => {
    expect(bare(fromOpenAIMessage({ role: "developer", content: "Be kind." }))).toEqual({
      role: "system",
      content: "Be kind.",
    });
    const content = [{ type: "refusal", refusal: "No." }];
    expect(bare(fromOpenAIMessage({ role: "assistant", content }))).toEqual({
      role: "assistant",
      content: null,
      refusal: "No.",
    });
  });

  it.each<[string, OpenAIMessageLike]>([
    ["another role", { role: "function", content: "21", name: "weather" }],
    ["a result without its call", { role: "tool", content: "21" }],
    ["a call of a custom tool", { role: "assistant", tool_calls: [{ id: "c" }] }],
  ])("but not %s", (_what, value) => {
    let thrown: unknown;
    try {
      fromOpenAIMessage(value);
    } catch (error) {
      thrown = error;
    }
    expect(MemoryError.is(thrown, "INVALID_ARGUMENT")).toBe(true);
  });
});
