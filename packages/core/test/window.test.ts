import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { pairToolCalls } from "../src/agent/pair-tool-calls.ts";
import { cutToLimits } from "../src/conversation/window.ts";
import { type AssistantMessage, assistant, type Message, system, type ToolMessage, tool, user } from "../src/index.ts";

function call(id: string) {
  return { id, name: "search", arguments: "{}" };
}

/** What a strict provider refuses: a result that does not directly follow its call, or a call without a result. */
function orphans(messages: readonly Message[]): string[] {
  const found: string[] = [];
  let open = new Set<string>();
  for (const message of messages) {
    if (message.role === "tool") {
      if (!open.delete(message.toolCallId)) found.push(`result ${message.toolCallId}`);
      continue;
    }
    found.push(...[...open].map((id) => `call ${id}`));
    open = new Set(message.role === "assistant" ? message.toolCalls?.map(({ id }) => id) : []);
  }
  return [...found, ...[...open].map((id) => `call ${id}`)];
}

const message: fc.Arbitrary<Message> = fc.oneof(
  fc.constant("u").map((text) => user(text)),
  fc.constant("s").map((text) => system(text)),
  fc.constant("a").map((text) => assistant(text)),
  fc
    .record({
      text: fc.option(fc.constant("a")),
      ids: fc.uniqueArray(fc.constantFrom("1", "2", "3"), { minLength: 1 }),
    })
    .map(({ text, ids }) => assistant(text, { toolCalls: ids.map(call) })),
  fc.constantFrom("1", "2", "3", "4").map((id) => tool(id, "result")),
);

/** A turn as the agent writes it. */
const wellFormedTurn: fc.Arbitrary<Message[]> = fc
  .array(fc.uniqueArray(fc.constantFrom("1", "2", "3"), { minLength: 1 }), { maxLength: 3 })
  .map((rounds) => [
    user("question"),
    ...rounds.flatMap((ids): Message[] => [
      assistant(null, { toolCalls: ids.map(call) }),
      ...ids.map((id) => tool(id, "result")),
    ]),
    assistant("answer"),
  ]);

describe("a window", () => {
  it("holds no orphaned tool message, for any cut of any history", () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 30 }), fc.integer({ min: 1, max: 30 }), (history, maxMessages) => {
        expect(orphans(pairToolCalls(cutToLimits(history, { maxMessages })))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("of turns as the agent writes them is whole turns, within the limit if one turn fits, and unchanged", () => {
    fc.assert(
      fc.property(
        fc.array(wellFormedTurn, { maxLength: 10 }),
        fc.integer({ min: 1, max: 30 }),
        (turns, maxMessages) => {
          const history = turns.flat();
          const window = cutToLimits(history, { maxMessages });
          expect(pairToolCalls(window)).toEqual(window);
          expect(window).toEqual(history.slice(history.length - window.length));
          if (history.length > 0) expect(window[0]?.role).toBe("user");
          const newest = turns.at(-1)?.length ?? 0;
          expect(window.length).toBeLessThanOrEqual(Math.max(maxMessages, newest));
          const next = turns.findLast((_turn, index) => turns.slice(index).flat().length > window.length);
          if (next !== undefined) expect(window.length + next.length).toBeGreaterThan(maxMessages);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("keeps the newest turn, even if it is too long", () => {
    const long = [user("question"), ...Array.from({ length: 50 }, () => assistant("part"))];
    expect(cutToLimits([user("old"), assistant("old"), ...long], { maxMessages: 20 })).toEqual(long);
  });

  it("leaves out a turn that has too many tokens, and everything before it", () => {
    const history = [user("a"), assistant("b"), user("c".repeat(100)), assistant("d"), user("e"), assistant("f")];
    const countTokens = (counted: Message) => String(counted.content).length;
    expect(cutToLimits(history, { maxTokens: 10, countTokens })).toEqual(history.slice(4));
    expect(cutToLimits(history, { maxTokens: 1, countTokens })).toEqual([]);
    expect(cutToLimits(history, { maxTokens: 105, countTokens })).toEqual(history);
    expect(cutToLimits(history, { maxTokens: 20 })).toEqual([]);
  });

  it("holds 20 messages by default", () => {
    const history = Array.from({ length: 30 }, (_, index) => user(`${index}`));
    expect(cutToLimits(history, {})).toEqual(history.slice(10));
  });

  it("may begin with the messages before the first question of the log", () => {
    const history = [assistant("How can I help?"), user("hello"), assistant("hello")];
    expect(cutToLimits(history, { maxMessages: 3 })).toEqual(history);
    expect(cutToLimits(history, { maxMessages: 2 })).toEqual(history.slice(1));
  });
});

describe("unanswered calls and results without a call", () => {
  it.each<[string, Message[], Message[]]>([
    ["a result without a call", [user("u"), tool("1", "r")], [user("u")]],
    [
      "a call without a result",
      [user("u"), assistant(null, { toolCalls: [call("1")] }), user("v")],
      [user("u"), user("v")],
    ],
    ["a call without a result, with text", [assistant("text", { toolCalls: [call("1")] })], [assistant("text")]],
    [
      "one call of two without a result",
      [assistant(null, { toolCalls: [call("1"), call("2")] }), tool("2", "r")],
      [assistant(null, { toolCalls: [call("2")] }), tool("2", "r")],
    ],
    [
      "a result after another message",
      [assistant("text", { toolCalls: [call("1")] }), user("u"), tool("1", "r")],
      [assistant("text"), user("u")],
    ],
    [
      "a second result of one call",
      [assistant(null, { toolCalls: [call("1")] }), tool("1", "first"), tool("1", "second")],
      [assistant(null, { toolCalls: [call("1")] }), tool("1", "second")],
    ],
    [
      "a refusal with an unanswered call",
      [assistant(null, { refusal: "no", toolCalls: [call("1")] })],
      [assistant(null, { refusal: "no" })],
    ],
  ])("are left out: %s", (_what, history, expected) => {
    const strip = ({ id: _id, createdAt: _createdAt, ...rest }: Message) => rest;
    expect(pairToolCalls(history).map(strip)).toEqual(expected.map(strip));
  });
});

describe("recorded dialogues", () => {
  const file = join(__dirname, "../../../../shared/data/dialogues.jsonl");
  const found = existsSync(file);
  if (!found) console.log("skipped: the recorded dialogues are not beside this checkout");
  (found ? it : it.skip)("can be cut anywhere without an orphan", () => {
    let cuts = 0;
    for (const line of readFileSync(file, "utf8").trim().split("\n")) {
      const { messages } = JSON.parse(line) as { messages: Message[] };
      for (let length = 1; length <= messages.length; length++) {
        const spoken = messages.slice(0, length);
        for (const maxMessages of [1, 2, 5, 20]) {
          const window = pairToolCalls(cutToLimits(spoken, { maxMessages }));
          expect(orphans(window)).toEqual([]);
          cuts += 1;
        }
      }
      expect(pairToolCalls(messages)).toEqual(messages);
    }
    expect(cuts).toBeGreaterThan(20_000);
  });
});

// The checker above must find such messages.
describe("the check for orphans", () => {
  it("finds a result without its call and a call without its result", () => {
    const asked: AssistantMessage = assistant(null, { toolCalls: [call("1")] });
    const result: ToolMessage = tool("1", "r");
    expect(orphans([asked, result])).toEqual([]);
    expect(orphans([result])).toEqual(["result 1"]);
    expect(orphans([asked])).toEqual(["call 1"]);
    expect(orphans([asked, user("u"), result])).toEqual(["call 1", "result 1"]);
  });
});
