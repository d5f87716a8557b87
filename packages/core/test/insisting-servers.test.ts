import { afterEach, describe, expect, it } from "@jest/globals";
import { z } from "zod";
import {
  Agent,
  assistant,
  type ContentPart,
  defineTool,
  type Message,
  OpenAIModel,
  system,
  type ToolCall,
  tool,
  user,
} from "../src/index.ts";
import { InsistingServer } from "./support/insisting-server.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { type Insistence, insistences } from "./support/servers/all.ts";

const ID = "user-alice";
const names = Object.keys(insistences);

const weather = defineTool({
  name: "weather",
  description: "The weather in a city",
  parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `${city}: 21°`,
});
const clock = defineTool({ name: "clock", execute: () => ({ time: "12:00" }) });

const servers: InsistingServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function serve(name: string): Promise<{ server: InsistingServer; insistence: Insistence }> {
  const insistence = insistences[name];
  if (insistence === undefined) throw new Error(`There is no server ${name}.`);
  const server = await InsistingServer.start(insistence.provider());
  servers.push(server);
  return { server, insistence };
}

/** An agent with a client and a conversation of its own, as in a new process. */
function agentOn({ server, insistence }: Awaited<ReturnType<typeof serve>>, store: ReferenceLog): Agent {
  const options = { apiKey: "none", baseURL: server.baseURL, maxRetries: 0, ...insistence.options };
  return new Agent({ model: new OpenAIModel(insistence.model, options), longMemory: ID, backend: store })
    .withSystem("Be brief.")
    .withMaxHistory(1000)
    .withTool(weather)
    .withTool(clock);
}

/** What the server says at the end of its turn with this number, from 1. */
function saidIn(name: string, turn: number): string {
  const results = ["Örebro 🌦: 21°"];
  if (turn % 2 === 0) results.push("Lisbon: 21°");
  if (turn % 3 === 0) results.push('{"time":"12:00"}');
  return `${name}, turn ${turn}: ${results.join(" · ")}`;
}

describe.each(names)("a server that insists like %s", (name) => {
  it("holds a conversation of ten turns with tools, and goes on with it after it was loaded again", async () => {
    const place = await serve(name);
    const store = new ReferenceLog();
    const ai = agentOn(place, store);
    for (let turn = 1; turn <= 10; turn++) {
      const stream = ai.stream(`Question ${turn} 🙂`);
      let thought = "";
      let said = "";
      for await (const piece of stream) said += piece;
      for await (const piece of stream.reasoning) thought += piece;
      const reply = await stream.reply;
      expect(said).toBe(saidIn(name, turn));
      expect(reply).toMatchObject({ text: saidIn(name, turn), finishReason: "stop" });
      expect(reply.toolCalls).toHaveLength(1 + (turn % 2 === 0 ? 1 : 0) + (turn % 3 === 0 ? 1 : 0));
      expect(reply.reasoning !== "").toBe(place.insistence.reasons);
      expect(thought.endsWith(reply.reasoning)).toBe(true);
    }
    const reloaded = agentOn(place, store);
    for (let turn = 11; turn <= 13; turn++) expect(await reloaded.ask(`Question ${turn}`)).toBe(saidIn(name, turn));
    expect(place.server.refusals).toEqual([]);
    expect(store.logs.get(ID)?.entries).toHaveLength(13);
    const results = store.records(ID)?.filter((message) => message.role === "tool") ?? [];
    expect(results.filter(({ status }) => status !== undefined)).toEqual([]);
  });

  it("goes on with a window that is cut", async () => {
    const place = await serve(name);
    const ai = agentOn(place, new ReferenceLog()).withMaxHistory(7);
    for (let turn = 1; turn <= 6; turn++) expect(await ai.ask("And now?")).toBe(saidIn(name, turn));
    expect(place.server.refusals).toEqual([]);
  });
});

describe.each(names)("a conversation that began at a server like %s", (first) => {
  it.each(names.filter((name) => name !== first))("goes on at one like %s, and returns", async (second) => {
    const [home, away] = [await serve(first), await serve(second)];
    const store = new ReferenceLog();
    for (const turn of [1, 2, 3]) expect(await agentOn(home, store).ask("At home?")).toBe(saidIn(first, turn));
    for (const turn of [1, 2, 3]) expect(await agentOn(away, store).ask("And there?")).toBe(saidIn(second, turn));
    for (const turn of [4, 5, 6]) expect(await agentOn(home, store).ask("And back?")).toBe(saidIn(first, turn));
    expect([...home.server.refusals, ...away.server.refusals]).toEqual([]);
  });
});

function called(call: Partial<ToolCall>, result: Message["content"], fields: object = {}): Message[] {
  const whole = { id: "call_1", name: "weather", arguments: "{}", ...call };
  return [
    user("Weather?"),
    assistant(null, { toolCalls: [whole] }),
    tool(whole.id, result ?? "", fields),
    assistant("There."),
  ];
}

const picture: ContentPart = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
/** A part as Mistral's models send it. */
const thinking = { type: "thinking", thinking: [{ type: "text", text: "Hm." }] } as unknown as ContentPart;

function added(fields: Record<string, unknown>): object {
  return { providerMetadata: { source: "https://example.com other", fields } };
}

/** Turns that other programs may have stored. Some server refuses each of them as it is. */
const stored: [string, Message[]][] = [
  ["an answer without text", [user("Hello"), assistant("", { status: "empty" })]],
  ["an answer of white space", [user("Hello"), assistant(" \n\t ")]],
  ["an answer of reasoning alone", [user("Hello"), assistant(null, { reasoning: "Hm." })]],
  ["an answer with an empty list of calls", [user("Hello"), assistant("", { toolCalls: [] })]],
  ["an answer of no parts", [user("Hello"), assistant([])]],
  ["an answer of blank parts", [user("Hello"), assistant([{ type: "text", text: " " }])]],
  [
    "an answer that was cut before its text",
    [user("Hello"), assistant("", { status: "incomplete", finishReason: "length" })],
  ],
  ["a refusal", [user("Hello"), assistant(null, { refusal: "I must not." })]],
  ["a blank refusal", [user("Hello"), assistant(null, { refusal: "" })]],
  ["half of a pair in a question", [user("\ud83d?"), assistant("Yes.")]],
  ["half of a pair in a part", [user([{ type: "text", text: "a\udc00" }]), assistant("Yes.")]],
  ["half of a pair in an answer", [user("Hello"), assistant("\udfff")]],
  ["half of a pair in a refusal", [user("Hello"), assistant(null, { refusal: "No\ud800" })]],
  ["half of a pair in a result", called({}, "\ud83d")],
  ["half of a pair in arguments", called({ arguments: '{"city":"\ud83d"}' }, "21")],
  ["half of a pair as an escape in arguments", called({ arguments: '{"city":"\\ud83d"}' }, "21")],
  ["half of a pair in a tool's name", called({ name: "wea\ud83dther" }, "21")],
  ["half of a pair in a call's id", called({ id: "call\ud83d" }, "21")],
  ["half of a pair in a speaker's name", [user("Hello", { name: "ali\ud83dce" }), assistant("Yes.")]],
  ["a speaker's name with a space", [user("Hello", { name: "Alice Smith" }), assistant("Yes.", { name: "" })]],
  ["a blank question", [user(" "), assistant("Yes?")]],
  ["a question of blank parts", [user([{ type: "text", text: "" }]), assistant("Yes?")]],
  [
    "a blank part in a question",
    [
      user([
        { type: "text", text: "" },
        { type: "text", text: "Hi" },
      ]),
      assistant("Yes?"),
    ],
  ],
  ["a blank result", called({}, "")],
  ["a result of no parts", called({}, [])],
  ["a result of a blank part", called({}, [{ type: "text", text: "" }])],
  ["arguments that were cut", called({ arguments: '{"city":"Lis' }, "Error: not JSON", { status: "error" })],
  ["arguments twice", called({ arguments: '{"a":1}{"a":1}' }, "21")],
  ["arguments that are null", called({ arguments: "null" }, "21")],
  ["arguments that are a list", called({ arguments: "[1,2]" }, "21")],
  ["arguments that are text", called({ arguments: '"Lisbon"' }, "21")],
  ["arguments that are a number", called({ arguments: "1e999" }, "21")],
  ["arguments that are empty", called({ arguments: "" }, "21")],
  ["arguments in a code fence", called({ arguments: '```json\n{"city":"Rome"}\n```' }, "21")],
  ["a long id", called({ id: `call_${"x".repeat(80)}` }, "21")],
  ["an empty id", called({ id: "" }, "21")],
  ["an id with other characters", called({ id: "functions.weather:0 🌦" }, "21")],
  ["the same id in two turns", [...called({ id: "call_0" }, "1"), ...called({ id: "call_0" }, "2")]],
  ["a name that is not a tool's", called({ name: "weather.get now" }, "Error: There is no such tool.")],
  ["a name that is too long", called({ name: "w".repeat(90) }, "Error: There is no such tool.")],
  ["an empty name", called({ name: "" }, "Error: There is no such tool.")],
  ["two questions in a row", [user("Are you there?"), user("Hello?"), assistant("Yes.")]],
  ["two answers in a row", [user("Hello"), assistant("Yes."), assistant("And no.")]],
  ["a question without an answer", [user("Are you there?")]],
  ["an answer without a question", [assistant("Welcome!")]],
  [
    "an aborted turn that ended with a result",
    [user("Hi"), assistant("Let me look.", { toolCalls: [call("a")], status: "aborted" }), tool("a", "21")],
  ],
  [
    "results in another order than their calls",
    [
      user("Hi"),
      assistant(null, { toolCalls: [call("a"), call("b")] }),
      tool("b", "2"),
      tool("a", "1"),
      assistant("Both."),
    ],
  ],
  [
    "two calls with one id",
    [
      user("Hi"),
      assistant(null, { toolCalls: [call("a"), call("a")] }),
      tool("a", "1"),
      tool("a", "2"),
      assistant("Both."),
    ],
  ],
  [
    "a call without a result",
    [user("Hi"), assistant("Let me look.", { toolCalls: [call("a")] }), assistant("Never mind.")],
  ],
  ["a result without a call", [user("Hi"), tool("a", "21"), assistant("It is 21.")]],
  [
    "a picture in a result",
    called({}, [
      { type: "text", text: "The sky:" },
      { type: "image_url", image_url: { url: "https://example.com/sky.png" } },
    ]),
  ],
  ["a picture alone in a result", called({}, [picture])],
  ["a thought as a part of an answer", [user("Hello"), assistant([thinking, { type: "text", text: "Hi." }])]],
  ["a thought as the only part of an answer", [user("Hello"), assistant([thinking])]],
  ["a picture in an answer", [user("Draw"), assistant([{ type: "text", text: "Here:" }, picture])]],
  ["a picture as the only part of an answer", [user("Draw"), assistant([picture])]],
  ["an answer of pictures that another provider added", [user("Draw"), assistant("", added({ images: [picture] }))]],
  ["an answer of sound that another provider added", [user("Sing"), assistant(null, added({ audio: { id: "a" } }))]],
  [
    "a picture in a system message",
    [system([picture, { type: "text", text: "Be kind." }]), user("Hello"), assistant("Hi.")],
  ],
  ["a blank system message", [system(" "), user("Hello"), assistant("Hi.")]],
  [
    "what another provider added",
    called(
      {
        providerMetadata: {
          source: "https://example.com other",
          fields: { extra_content: { google: { thought_signature: "x" } } },
        },
      },
      "21",
    ).map((message) =>
      message.role === "assistant"
        ? {
            ...message,
            reasoning: "Hm.",
            providerMetadata: {
              source: "https://example.com other",
              fields: { reasoning_details: [{ type: "reasoning.text", text: "Hm.", index: 0 }], audio: { id: "a" } },
              reasoningField: "reasoning_content",
            },
          }
        : message,
    ),
  ],
];

function call(id: string): ToolCall {
  return { id, name: "weather", arguments: '{"city":"Rome"}' };
}

describe.each(names)("no stored turn closes a conversation at a server like %s", (name) => {
  it.each(stored)("%s", async (_what, messages) => {
    const place = await serve(name);
    const store = new ReferenceLog();
    await store.append(ID, messages);
    expect(await agentOn(place, store).ask("Are you there?")).toBe(saidIn(name, 1));
    expect(place.server.refusals).toEqual([]);
    // What is stored stays as it was.
    expect(store.records(ID)?.slice(0, messages.length)).toEqual(messages);
  });

  it("all of them together, twice", async () => {
    const place = await serve(name);
    const store = new ReferenceLog();
    for (const [, messages] of [...stored, ...stored]) await store.append(ID, messages);
    for (const turn of [1, 2, 3]) expect(await agentOn(place, store).ask("Are you there?")).toBe(saidIn(name, turn));
    expect(place.server.refusals).toEqual([]);
  });
});
