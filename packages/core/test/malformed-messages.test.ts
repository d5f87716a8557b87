import { describe, expect, it } from "@jest/globals";
import {
  Agent,
  assistant,
  Conversation,
  fromOpenAIMessage,
  isMessage,
  MemoryError,
  type Message,
  textOf,
  toOpenAIMessages,
  tool,
  user,
} from "../src/index.ts";
import { memoryOf } from "./support/agents.ts";
import { open, turn } from "./support/conversations.ts";
import { echoModel } from "./support/scripted-model.ts";

function holed(...items: unknown[]): unknown[] {
  const array: unknown[] = [];
  array[1] = items[0];
  return array;
}

const contents: [string, unknown][] = [
  ["an object", { text: "hello" }],
  ["a number", 7],
  ["absent", undefined],
  ["a part that is null", [null]],
  ["a part that is text", ["hello"]],
  ["a part without a type", [{ text: "hello" }]],
  ["parts with a hole", holed({ type: "text", text: "hello" })],
];

const calls: [string, unknown][] = [
  ["text", "call"],
  ["an object", {}],
  ["null", [null]],
  ["without a name and arguments", [{ id: "1" }]],
  ["with a number for an id", [{ id: 1, name: "f", arguments: "{}" }]],
  ["with arguments that are an object", [{ id: "1", name: "f", arguments: {} }]],
  ["with a hole", holed({ id: "1", name: "f", arguments: "{}" })],
];

const malformed: [string, unknown][] = [
  ["null", null],
  ["undefined", undefined],
  ["text", "hello"],
  ["a message without a role", { content: "hello" }],
  ["a message of an unknown role", { role: "critic", content: "hello" }],
  ...contents.map(([what, content]): [string, unknown] => [`content: ${what}`, { ...user(""), content }]),
  ...calls.map(([what, toolCalls]): [string, unknown] => [
    `tool calls: ${what}`,
    { role: "assistant", content: null, id: "a", createdAt: 0, toolCalls },
  ]),
  ["a tool result without the id of its call", { role: "tool", content: "x", id: "t", createdAt: 0 }],
];

function codeOf(call: () => unknown): Promise<string> {
  return Promise.resolve()
    .then(call)
    .then(
      () => "no error",
      (error: unknown) => (MemoryError.is(error) ? error.code : String(error)),
    );
}

describe("what is not a message is refused with a typed error", () => {
  it.each(malformed)("by a conversation, which stays usable: %s", async (_what, value) => {
    const message = value as Message;
    const { store, conversation } = open();
    for (const messages of [[message], [user("q"), message], holed(message) as Message[]]) {
      expect(await codeOf(() => conversation.commit(messages))).toBe("INVALID_RECORD");
      expect(await codeOf(() => conversation.hold(messages))).toBe("INVALID_RECORD");
    }
    expect(conversation.messages).toEqual([]);
    await conversation.commit(turn("one"));
    expect(store.calls.filter(({ method }) => method === "append")).toHaveLength(1);
  });

  it.each(malformed)("by the conversion to OpenAI's messages, and by textOf: %s", async (_what, value) => {
    const message = value as Message;
    expect(isMessage(message)).toBe(false);
    expect(await codeOf(() => textOf(message))).toBe("INVALID_ARGUMENT");
    expect(() => toOpenAIMessages([user("q"), message])).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining("message 1") }),
    );
  });

  it.each([undefined, null, {}, "messages"])("by the conversion of %p instead of an array", async (value) => {
    expect(await codeOf(() => toOpenAIMessages(value as never))).toBe("INVALID_ARGUMENT");
    const { conversation } = open();
    expect(await codeOf(() => conversation.commit(value as never))).toBe("INVALID_RECORD");
  });

  it.each<[string, unknown, string]>([
    ["null", null, "object"],
    ["undefined", undefined, "object"],
    ["text", "hello", "object"],
    ...contents
      .filter(([, content]) => content !== undefined)
      .map(([what, content]): [string, unknown, string] => [`content: ${what}`, { role: "user", content }, "content"]),
    ...calls.map(([what, made]): [string, unknown, string] => [
      `tool calls: ${what}`,
      { role: "assistant", content: null, tool_calls: nested(made) },
      "tool_calls",
    ]),
    ["the id of a call: a number", { role: "tool", content: "x", tool_call_id: 7 }, "tool_call_id"],
  ])("by the conversion from OpenAI's messages, which names the field: %s", (_what, message, field) => {
    expect(() => fromOpenAIMessage(message as never)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining(field) }),
    );
  });

  it.each(contents)("by an agent, before the model is called: a question that is %s", async (_what, content) => {
    const model = echoModel();
    const agent = new Agent({ model, shortMemory: true });
    expect(await codeOf(() => agent.ask(content as never))).toMatch(/^INVALID_(ARGUMENT|RECORD)$/);
    expect(model.requests).toEqual([]);
  });

  it.each([null, undefined, "x", 7])("by a sync, if the store returns %p for a message", async (record) => {
    for (const log of [
      { load: async () => [record] },
      { append: async () => "1", read: async () => ({ records: [record], revision: "1", start: null, reset: false }) },
    ]) {
      const backend = { ...memoryOf(), ...log } as never;
      expect(await codeOf(() => new Conversation({ memoryId: "a", backend }).sync())).toBe("CORRUPT");
    }
  });
});

describe("a message with malformed fields beside its content", () => {
  it.each([undefined, null, 7])("is not stored: a part of text whose text is %p", async (text) => {
    const part = { type: "text", text } as never;
    const { store, conversation } = open();
    expect(await codeOf(() => conversation.commit([user([part])]))).toBe("INVALID_RECORD");
    expect(await codeOf(() => new Agent({ model: echoModel() }).ask([part]))).toMatch(/^INVALID_(ARGUMENT|RECORD)$/);
    expect(store.calls).toEqual([]);
  });

  it("is sent without them if it is stored, because it would end the conversation", () => {
    const stored = [
      { ...user("one"), name: 7 },
      { ...assistant("two"), refusal: {}, reasoning: 5, providerMetadata: null },
      { ...assistant("three"), refusal: null, providerMetadata: { source: "s", fields: 5 } },
      {
        ...assistant(null),
        toolCalls: [{ id: "call_1", name: "f", arguments: "{}", providerMetadata: { source: 5, fields: {} } }],
      },
      { ...tool("call_1", ""), content: [{ type: "text" }, { type: "text", text: "four" }] },
    ] as never;
    expect(toOpenAIMessages(stored, { source: "s" })).toEqual([
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
      { role: "assistant", content: "three" },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: expect.any(String), type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: expect.any(String), name: "f", content: "four" },
    ]);
  });
});

/** Tool calls in the form of Chat Completions. */
function nested(made: unknown): unknown {
  if (!Array.isArray(made)) return made;
  return made.map((call) => {
    if (typeof call !== "object" || call === null) return call;
    const { id, ...called } = call as Record<string, unknown>;
    return { id, function: called };
  });
}

describe("options that are malformed are refused with a typed error", () => {
  const signals: [string, unknown][] = [
    ["null instead of options", null],
    ["text instead of options", "now"],
    ["a signal that is a number", { signal: 5 }],
    ["a signal that is an object", { signal: {} }],
  ];

  it.each(signals)("by every method of a conversation: %s", async (_what, value) => {
    const options = value as never;
    const { conversation } = open();
    for (const call of [
      () => conversation.commit(turn("one"), options),
      () => conversation.sync(options),
      () => conversation.reload(options),
      () => conversation.flush(options),
      () => conversation.delete(options),
    ]) {
      expect(await codeOf(call)).toBe("INVALID_ARGUMENT");
    }
    if (typeof value !== "object")
      expect(await codeOf(() => conversation.hold(turn("one"), options))).toBe("INVALID_ARGUMENT");
    expect(conversation.pending).toBe(0);
  });

  it.each(signals)("by every method of an agent: %s", async (_what, value) => {
    const options = value as never;
    const agent = new Agent({ model: echoModel(), longMemory: "a", backend: open().store });
    for (const call of [
      () => agent.ask("one", options),
      () => agent.saveLongMemory(options),
      () => agent.loadLongMemory(options),
      () => agent.deleteLongMemory(options),
    ]) {
      expect(await codeOf(call)).toBe("INVALID_ARGUMENT");
    }
  });

  it("but null means that there is no signal", async () => {
    const signal = null as never;
    const { store, conversation } = open();
    await conversation.commit(turn("one"), { signal });
    await conversation.sync({ signal });
    expect(await new Agent({ model: echoModel() }).ask("hello", { signal })).toBe("You said: hello");
    expect(store.calls.length).toBeGreaterThan(0);
  });

  it("for an unknown policy, for limits and for a conversation", async () => {
    const { conversation } = open();
    expect(await codeOf(() => conversation.commit(turn("one"), { onConflict: "retry" as never }))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(await codeOf(() => conversation.hold(turn("one"), { onConflict: "retry" as never }))).toBe(
      "INVALID_ARGUMENT",
    );
    expect(conversation.pending).toBe(0);
    for (const value of [null, undefined, "x"]) {
      expect(await codeOf(() => conversation.setLimits(value as never))).toBe("INVALID_ARGUMENT");
      expect(await codeOf(() => new Conversation(value as never))).toBe("INVALID_ARGUMENT");
    }
  });
});
