import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type Dialogue, type ModelServer, startReplayModel } from "../src/index.ts";
import { chat, piecesOf } from "./chat.ts";

const call = { id: "call_1", name: "Weather.Now", arguments: '{"city": "Lisbon"}' };
const dialogue: Dialogue = {
  id: "trip",
  messages: [
    { role: "user", content: "Hello" },
    { role: "assistant", content: "Hi, how can I help?" },
    { role: "user", content: "The weather in Lisbon?" },
    { role: "assistant", content: null, toolCalls: [call] },
    { role: "tool", toolCallId: "call_1", content: "21" },
    { role: "assistant", content: "21 degrees." },
    { role: "user", content: "Thanks" },
    { role: "assistant", content: "You are welcome." },
    { role: "user", content: "Bye" },
  ],
};
const sentCall = { id: "call_1", type: "function", function: { name: call.name, arguments: call.arguments } };
const sent = [
  { role: "user", content: "Hello" },
  { role: "assistant", content: "Hi, how can I help?" },
  { role: "user", content: "The weather in Lisbon?" },
  { role: "assistant", content: null, tool_calls: [sentCall] },
  { role: "tool", tool_call_id: "call_1", content: "21" },
  { role: "assistant", content: "21 degrees." },
  { role: "user", content: "Thanks" },
  { role: "assistant", content: "You are welcome." },
  { role: "user", content: "Bye" },
];

let server: ModelServer;
beforeEach(async () => {
  server = await startReplayModel([dialogue], { maxHistory: 5 });
});
afterEach(() => server.close());

function at(turn: number): object {
  return { dialogue: "trip", turn: String(turn) };
}

describe("the replay model says what was recorded", () => {
  it("in the first turn, word by word", async () => {
    const { chunks } = await chat(server, sent.slice(0, 1), at(0));
    expect(piecesOf(chunks)).toEqual(["Hi,", " how", " can", " I", " help?"]);
  });

  it("calling tools, with the recorded ids", async () => {
    const { chunks } = await chat(server, sent.slice(0, 3), at(1));
    const calls = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []) as (typeof sentCall)[];
    expect(calls[0]).toMatchObject({ id: "call_1", function: { name: "Weather.Now" } });
    expect(calls.map((piece) => piece.function.arguments).join("")).toBe(call.arguments);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("tool_calls");
  });

  it("after the result of the tool", async () => {
    const { chunks } = await chat(server, sent.slice(0, 5), at(1));
    expect(piecesOf(chunks).join("")).toBe("21 degrees.");
  });

  it("after the window, cut at a turn", async () => {
    const { chunks } = await chat(server, sent.slice(2, 7), at(2));
    expect(piecesOf(chunks).join("")).toBe("You are welcome.");
  });
});

describe("the replay model refuses", () => {
  it.each<[string, object[], object | undefined, string]>([
    ["a request that does not name its turn", sent.slice(0, 1), undefined, "No turn NaN"],
    ["an unknown dialogue", sent.slice(0, 1), { dialogue: "other", turn: "0" }, "No turn 0"],
    ["an unknown turn", sent.slice(0, 1), at(9), "No turn 9"],
    ["a history that is too short", sent.slice(2, 3), at(1), "was sent 1 messages instead of 3"],
    ["a history that is too long", sent.slice(0, 7), at(2), "was sent 7 messages instead of 5"],
    ["another turn's question", sent.slice(0, 3), at(2), "message 0"],
    ["a changed word", [{ role: "user", content: "Hallo" }], at(0), '"Hallo"'],
    ["a changed tool result", [...sent.slice(0, 4), { ...sent[4], content: "22" }], at(1), '"22"'],
    ["a result of another call", [...sent.slice(0, 4), { ...sent[4], tool_call_id: "call_2" }], at(1), "call_2"],
    [
      "changed arguments",
      [
        ...sent.slice(0, 3),
        { ...sent[3], tool_calls: [{ ...sentCall, function: { ...sentCall.function, arguments: "{}" } }] },
        sent[4] ?? {},
      ],
      at(1),
      "message 3",
    ],
    [
      "a system message that is not in the record",
      [{ role: "system", content: "" }, ...sent.slice(0, 1)],
      at(0),
      "message 0",
    ],
    ["a turn without an answer", sent.slice(6, 9), at(3), "without an answer"],
  ])("%s", async (_what, messages, metadata, problem) => {
    const { status, error } = await chat(server, messages, metadata);
    expect(status).toBe(400);
    expect(error).toContain(problem);
  });
});
