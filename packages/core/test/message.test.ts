import { describe, expect, it } from "@jest/globals";
import { expectTypeOf } from "expect-type";
import {
  type AssistantMessage,
  assistant,
  type ContentPart,
  isMessage,
  type Message,
  type SystemMessage,
  system,
  type ToolMessage,
  textOf,
  tool,
  type UserMessage,
  user,
} from "../src/index.ts";

const parts: ContentPart[] = [
  { type: "text", text: "What is " },
  { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
  { type: "text", text: "this?" },
];

describe("the makers give each message an id and a time", () => {
  it.each<[string, () => Message]>([
    ["system", () => system("x")],
    ["user", () => user("x")],
    ["assistant", () => assistant("x")],
    ["tool", () => tool("call-1", "x")],
  ])("%s", (role, make) => {
    const before = Date.now();
    const [one, other] = [make(), make()];
    expect(one).toMatchObject({ role, content: "x" });
    expect(one.id).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(one.id).not.toBe(other.id);
    expect(one.createdAt).toBeGreaterThanOrEqual(before);
    expect(one.createdAt).toBeLessThanOrEqual(Date.now());
  });

  it("and nothing else", () => {
    expect(Object.keys(user("x")).sort()).toEqual(["content", "createdAt", "id", "role"]);
    expect(Object.keys(tool("c", "x")).sort()).toEqual(["content", "createdAt", "id", "role", "toolCallId"]);
  });

  it("unless the caller gives them, and any other field of the role", () => {
    const fields = { id: "m1", createdAt: 5, name: "Bob", metadata: { trace: 1 } };
    expect(user(parts, fields)).toEqual({ role: "user", content: parts, ...fields });
    const toolCalls = [{ id: "c1", name: "weather", arguments: "{" }];
    const said = { ...fields, toolCalls, refusal: "no", status: "aborted" as const };
    expect(assistant(null, said)).toEqual({ role: "assistant", content: null, ...said });
    expect(tool("c1", "failed", { ...fields, status: "error" })).toMatchObject({ toolCallId: "c1", status: "error" });
  });

  it("and the types are those of the role", () => {
    expectTypeOf(system).returns.toEqualTypeOf<SystemMessage>();
    expectTypeOf(user).returns.toEqualTypeOf<UserMessage>();
    expectTypeOf(assistant).returns.toEqualTypeOf<AssistantMessage>();
    expectTypeOf(tool).returns.toEqualTypeOf<ToolMessage>();
    expectTypeOf(user).parameter(0).toEqualTypeOf<string | ContentPart[]>();
    expectTypeOf(assistant).parameter(0).toEqualTypeOf<string | ContentPart[] | null>();
    // @ts-expect-error: a user does not call tools
    user("x", { toolCalls: [] });
    // @ts-expect-error: a role is not a field
    user("x", { role: "assistant" });
    expectTypeOf<Extract<Message, { role: "tool" }>>().toEqualTypeOf<ToolMessage>();
  });
});

describe("a message survives JSON unchanged", () => {
  it.each<Message>([
    system("be brief"),
    user(parts, { name: "Bob", metadata: { nested: { list: [1, null] } } }),
    user([
      { type: "input_audio", input_audio: { data: "AAAA", format: "wav" } },
      { type: "file", file: { file_id: "f" } },
    ]),
    assistant(null, { toolCalls: [{ id: "c1", name: "weather", arguments: '{"city":"Ulm"}' }] }),
    assistant("", { refusal: "I cannot.", usage: { promptTokens: 1, completionTokens: 2, totalTokens: 3 } }),
    tool("c1", [{ type: "text", text: "21 °C" }], { status: "error" }),
    { ...user("x"), annotations: [{ unknown: true }] } as Message,
  ])("%j", (message) => {
    const back = JSON.parse(JSON.stringify(message));
    expect(back).toEqual(message);
    expect(isMessage(back)).toBe(true);
  });
});

describe("a stored record is a message if it could be sent to a model", () => {
  it.each([
    ...[{}, { role: "developer", content: "x" }, { role: ["user"], content: "x" }, { content: "x" }, []],
    ...[
      { role: "user" },
      { role: "user", content: null },
      { role: "user", content: [5] },
      { role: "user", content: [null] },
    ],
    ...[{ role: "assistant" }, { role: "assistant", content: "x", toolCalls: null }],
    { role: "assistant", content: null, toolCalls: [{ id: "1", name: "t" }] },
    ...[
      { role: "tool", content: "x" },
      { role: "tool", toolCallId: "1", content: null },
    ],
  ])("%j is not a message", (record) => {
    expect(isMessage(record)).toBe(false);
  });

  it.each([
    ...[
      { role: "system", content: "x" },
      { role: "user", content: "" },
      { role: "user", content: parts },
    ],
    ...[
      { role: "assistant", content: null },
      { role: "assistant", content: null, toolCalls: [] },
    ],
    { role: "tool", toolCallId: "1", content: "", whatOtherVersionsWrote: { x: 1 } },
    { role: "user", content: [{ type: "hologram", data: "x" }] },
  ])("%j is a message", (record) => {
    expect(isMessage(record)).toBe(true);
  });
});

describe("the text of a message is its text parts", () => {
  it.each<[Message, string]>([
    [user("hello"), "hello"],
    [user(parts), "What is this?"],
    [user([]), ""],
    [assistant(null), ""],
    [assistant(null, { refusal: "I cannot." }), ""],
    [tool("c1", [{ type: "text", text: "21" }]), "21"],
  ])("%j", (message, text) => {
    expect(textOf(message)).toBe(text);
  });
});
