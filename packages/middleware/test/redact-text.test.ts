import { type AssistantMessage, assistant, type ContentPart, type Message, tool, user } from "@deep-agent/core";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { redactText, withRedaction } from "../src/index.ts";

const CARD = "4111 1111 1111 1111";
const cards = [/\b\d(?: ?\d){12,18}\b/];

function part(text: string): ContentPart {
  return { type: "text", text };
}

const image: ContentPart = { type: "image_url", image_url: { url: "https://example.com/4111111111111111.png" } };

/** What is stored of a message. */
async function stored(message: Message, patterns: readonly RegExp[] = cards, replacement?: string): Promise<Message> {
  const store = new InMemoryBackend<Message>();
  await withRedaction(store, redactText(patterns, replacement)).append("alice", [message]);
  const [record] = (await store.load("alice")) ?? [];
  return record as Message; // there is one
}

function textsOf(message: Message): unknown {
  return Array.isArray(message.content)
    ? message.content.map((one) => (one.type === "text" ? one.text : one.type))
    : message.content;
}

describe("text that matches a pattern is not stored", () => {
  it("whatever message it is in", async () => {
    expect((await stored(user(`It is ${CARD}, or ${CARD}.`))).content).toBe("It is [redacted], or [redacted].");
    expect((await stored(tool("call", CARD), cards, "$& (card)")).content).toBe("$& (card)");
    const refused = await stored(assistant(null, { refusal: `Not ${CARD}`, reasoning: `Is ${CARD} real?` }));
    expect(refused).toMatchObject({ content: null, refusal: "Not [redacted]", reasoning: "Is [redacted] real?" });
    expect(await stored({ ...user("x"), metadata: { cards: [{ number: CARD }] } })).toMatchObject({
      metadata: { cards: [{ number: "[redacted]" }] },
    });
  });

  it("nor by a pattern that finds only the first match, or begins where it stopped", async () => {
    for (const pattern of [/\d{4}/, /\d{4}/g, /\d{4}/y]) {
      pattern.lastIndex = 3;
      expect((await stored(user("a 1234 5678"), [pattern])).content).toBe("a [redacted] [redacted]");
    }
  });

  it("and everything else stays as it was", async () => {
    const message = assistant("The 4111 steps", {
      toolCalls: [{ id: "4111111111111111", name: "pay", arguments: ' {"n": 1.50, "id": 12345} ' }],
      providerMetadata: { source: "s", fields: { signature: "abc" } },
    });
    expect(await stored(message)).toEqual(message);
    const parts = user([part("one"), image, part("two")]);
    expect(await stored(parts)).toEqual(parts);
  });
});

describe("a match over several parts is removed from all parts that it touches", () => {
  it.each([
    [
      ["It is 4111 1111", " 1111 1111, thanks"],
      ["It is [redacted]", ", thanks"],
    ],
    [
      ["It is 4111 1111", "1111 1111, thanks"],
      ["It is [redacted]", ", thanks"],
    ],
    [
      ["4111", "1111", "1111", "1111"],
      ["[redacted]", "", "", ""],
    ],
    [
      ["", CARD, ""],
      ["", "[redacted]", ""],
    ],
    [
      ["a 41", "11 1111 1111 1111 b 41", "11 1111 1111 1111 c"],
      ["a [redacted]", " b [redacted]", " c"],
    ],
  ])("%j", async (texts, expected) => {
    for (const make of [user, (content: ContentPart[]) => tool("call", content)]) {
      expect(textsOf(await stored(make(texts.map(part))))).toEqual(expected);
    }
  });

  it("also if the joined text would hide a match that one part has", async () => {
    expect(textsOf(await stored(user([part(CARD), part("ok")])))).toEqual(["[redacted]", "ok"]);
    expect(textsOf(await stored(user([part("7"), part(CARD)]), [/^4111[\d ]+/]))).toEqual(["7", "[redacted]"]);
  });

  it("but parts of other kinds stay, and stand between", async () => {
    expect(textsOf(await stored(user([part("4111 1111"), image, part("1111 1111")])))).toEqual([
      "4111 1111",
      "image_url",
      "1111 1111",
    ]);
    expect(textsOf(await stored(user([image, part("4111 1111"), part("1111 1111"), image, part(CARD)])))).toEqual([
      "image_url",
      "[redacted]",
      "",
      "image_url",
      "[redacted]",
    ]);
  });

  it("wherever a text is split", async () => {
    const splits = fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), splits, async (before, after, at) => {
        const text = `${before} SECRET ${after}`;
        const places = [0, ...at.map((place) => Math.min(place, text.length)).sort((a, b) => a - b), text.length];
        const texts = places.slice(1).map((place, index) => text.slice(places[index], place));
        const message = await stored(user(texts.map(part)), [/SECRET/], "#");
        const rest = (textsOf(message) as string[]).join("");
        expect(rest).toBe(`${before} # ${after}`);
      }),
    );
  });
});

describe("the calls of tools", () => {
  it.each([
    [`{"card":"${CARD}","amount":12}`, '{"card":"[redacted]","amount":12}'],
    ['{"card":4111111111111111}', '{"card":"[redacted]"}'],
    ['{"card":"4111\\u00201111 1111 1111"}', '{"card":"[redacted]"}'],
    [`{"${CARD}":true}`, '{"[redacted]":true}'],
    [`{"card":"${CARD}`, '{"card":"[redacted]'],
  ])("have arguments without matches, which stay JSON: %s", async (given, expected) => {
    const calls = [{ id: "call", name: "pay", arguments: given }];
    expect(await stored(assistant(null, { toolCalls: calls }))).toMatchObject({
      toolCalls: [{ id: "call", name: "pay", arguments: expected }],
    });
  });
});

describe("what a provider added", () => {
  const metadata = { source: "s", fields: { reasoning_details: [{ text: "4111 1111" }, { text: "1111 1111" }] } };

  it("is left out where a pattern matches, in it or in the message, since it cannot be changed", async () => {
    const fields = { thinking: [{ text: `It is ${CARD}` }] };
    for (const message of [
      assistant("fine", { providerMetadata: { source: "s", fields } }),
      assistant("fine", { reasoning: CARD, providerMetadata: metadata }),
      assistant(CARD, { providerMetadata: metadata }),
    ]) {
      expect((await stored(message)) as object).not.toHaveProperty("providerMetadata");
    }
    const call = { id: "call", name: "pay", arguments: `["${CARD}"]`, providerMetadata: metadata };
    const { toolCalls } = (await stored(assistant(null, { toolCalls: [call] }))) as AssistantMessage;
    expect(toolCalls).toEqual([{ id: "call", name: "pay", arguments: '["[redacted]"]' }]);
  });
});

describe("what are not patterns", () => {
  it.each([[undefined], [[]], ["secret"], [/secret/], [["secret"]]])("are refused: %p", (patterns) => {
    expect(() => redactText(patterns as never)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });

  it("are refused with a replacement that is not text", () => {
    expect(() => redactText(cards, (() => "x") as never)).toThrow(expect.objectContaining({ code: "INVALID_CONFIG" }));
  });
});
