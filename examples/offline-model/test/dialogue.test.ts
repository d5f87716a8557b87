import { describe, expect, it } from "@jest/globals";
import { parseDialogues, turnsOf } from "../src/index.ts";

const user = { role: "user", content: "Hello" } as const;
const assistant = { role: "assistant", content: "Hi" } as const;
const calls = (...ids: string[]) => ({
  role: "assistant" as const,
  content: null,
  toolCalls: ids.map((id) => ({ id, name: "now", arguments: "{}" })),
});
const result = (toolCallId: string) => ({ role: "tool" as const, toolCallId, content: "12:00" });

function line(...messages: object[]): string {
  return JSON.stringify({ id: "a", messages });
}

describe("a file of dialogues", () => {
  it("holds one dialogue on each line", () => {
    const other = JSON.stringify({ id: "b", services: ["x"], messages: [user] });
    expect(parseDialogues(`${line(user, assistant)}\n${other}\n\n`)).toEqual([
      { id: "a", messages: [user, assistant] },
      { id: "b", messages: [user] },
    ]);
  });

  it("may hold any order of speakers, if results follow their calls", () => {
    const messages = [
      assistant,
      assistant,
      user,
      user,
      calls("1", "2"),
      result("2"),
      result("1"),
      calls("1"),
      result("1"),
    ];
    expect(parseDialogues(line(...messages))[0]?.messages).toEqual(messages);
  });

  it.each([
    ["it is not JSON", "{"],
    ["it has no id", "null"],
    ["it has no id", '{"messages":[]}'],
    ["it has no messages", line()],
    ["message 1 has no role or no content", line(user, { role: "function", content: "" })],
    ["message 0 has no role or no content", line({ role: "user" })],
    ["message 1 is a result without a call", line(user, result("1"))],
    ["message 2 is a result without a call", line(user, calls("1"), result("2"))],
    ["message 2 comes before the result of 1", line(user, calls("1"), user)],
    ["the result of 2 is missing", line(user, calls("1", "2"), result("1"))],
  ])("is refused if %s", (problem, text) => {
    expect(() => parseDialogues(`\n${text}`)).toThrow(`Line 2 is not a dialogue: ${problem}.`);
  });

  it("is refused if an id comes twice", () => {
    expect(() => parseDialogues(`${line(user)}\n${line(user)}`)).toThrow(
      'Line 2 is not a dialogue: the id "a" was used before',
    );
  });
});

describe("a dialogue is cut into turns", () => {
  it.each([
    [
      [user, assistant, user, calls("1"), result("1"), assistant],
      [2, 4],
    ],
    [
      [assistant, user, assistant],
      [1, 2],
    ],
    [
      [user, user],
      [1, 1],
    ],
    [[assistant, assistant], [2]],
  ])("%#", (messages, lengths) => {
    const turns = turnsOf({ id: "a", messages });
    expect(turns.map((turn) => turn.length)).toEqual(lengths);
    expect(turns.flat()).toEqual(messages);
  });
});
