import { describe, expect, it } from "@jest/globals";
import { Agent, defineTool, OpenAIModel, type OpenAIModelOptions } from "../src/index.ts";
import { begin, ChatServer, delta, finish, streams } from "./support/chat-server.ts";
import { ReferenceLog } from "./support/reference-log.ts";

const ID = "user-alice";
const clock = defineTool({ name: "clock", execute: () => "12:00" });

const callFields = { extra_content: { google: { thought_signature: "sign=" } } };
const functionFields = { strictness: 3 };
const messageFields = { annotations: [{ type: "url_citation", url_citation: { url: "https://example.com" } }] };

/** A server that calls a tool with fields that nobody knows, and then answers with some. */
async function serve(): Promise<ChatServer> {
  const called = { name: "clock", arguments: "{}", ...functionFields };
  const piece = { index: 0, id: "call_0123456789", type: "function", function: called, ...callFields };
  return ChatServer.start(
    streams(delta({ reasoning: "Hm", tool_calls: [piece] }), finish("tool_calls")),
    streams(delta({ reasoning: "Ah" }), delta({ content: "Noon.", ...messageFields }), finish()),
    streams(delta({ content: "Yes." }), finish()),
  );
}

function agentOn(
  server: ChatServer,
  store: ReferenceLog,
  model = "test-model",
  options: OpenAIModelOptions = {},
): Agent {
  const given = { apiKey: "none", baseURL: server.baseURL, ...options };
  return new Agent({ model: new OpenAIModel(model, given), longMemory: ID, backend: store, tools: [clock] });
}

interface Sent {
  role: string;
  tool_calls?: { id: string; function: object }[];
  tool_call_id?: string;
}

/** The messages of the newest request. */
function sent(server: ChatServer): Sent[] {
  return server.requests.at(-1)?.body["messages"] as Sent[];
}

/** Has one turn with a tool at the server. */
async function begun() {
  const server = await serve();
  const store = new ReferenceLog();
  await agentOn(server, store).ask("What time is it?");
  return { server, store };
}

describe("what a server added to its answers", () => {
  it("is stored with the message and with the call, under the name of its source", async () => {
    const { server, store } = await begun();
    await using _server = server;
    const source = `${server.baseURL} test-model`;
    const [, calling, , answer] = store.records(ID) ?? [];
    expect(calling).toMatchObject({
      reasoning: "Hm",
      providerMetadata: { source, reasoningField: "reasoning" },
      toolCalls: [{ providerMetadata: { source, fields: { ...callFields, function: functionFields } } }],
    });
    expect(answer).toMatchObject({ reasoning: "Ah", providerMetadata: { source, fields: messageFields } });
  });

  it("goes back to it within the turn, and in later turns of another process", async () => {
    const { server, store } = await begun();
    await using _server = server;
    const calling = {
      role: "assistant",
      content: null,
      reasoning: "Hm",
      tool_calls: [
        {
          id: "call_0123456789",
          type: "function",
          function: { name: "clock", arguments: "{}", ...functionFields },
          ...callFields,
        },
      ],
    };
    expect(sent(server)[1]).toEqual(calling);
    await agentOn(server, store).ask("Really?");
    expect(sent(server)[1]).toEqual(calling);
    expect(sent(server)[3]).toEqual({ role: "assistant", content: "Noon.", reasoning: "Ah", ...messageFields });
  });

  const plain = [
    { role: "user", content: "What time is it?" },
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: expect.any(String), type: "function", function: { name: "clock", arguments: "{}" } }],
    },
    { role: "tool", name: "clock", content: "12:00", tool_call_id: expect.any(String) },
    { role: "assistant", content: "Noon." },
    { role: "user", content: "Really?" },
  ];

  it("does not go to another model of the same server", async () => {
    const { server, store } = await begun();
    await using _server = server;
    await agentOn(server, store, "other-model").ask("Really?");
    expect(sent(server)).toEqual(plain);
  });

  it("does not go to a model that one request names instead", async () => {
    const { server, store } = await begun();
    await using _server = server;
    await agentOn(server, store).withModelOptions({ model: "other-model" }).ask("Really?");
    expect(sent(server)).toEqual(plain);
  });

  it("does not go to the same model of another server", async () => {
    const { server, store } = await begun();
    await using _server = server;
    await using other = await ChatServer.start(streams(delta({ content: "Yes." }), finish()));
    await agentOn(other, store).ask("Really?");
    expect(sent(other)).toEqual(plain);
    expect(JSON.stringify(other.requests)).not.toContain(server.baseURL);
  });

  it("does not go back if that is turned off, and the ids of calls stay", async () => {
    const { server, store } = await begun();
    await using _server = server;
    await agentOn(server, store, "test-model", { sendBack: false }).ask("Really?");
    expect(sent(server)).toEqual(plain);
    expect(sent(server)[1]?.tool_calls?.[0]?.id).toBe("call_0123456789");
    expect(sent(server)[2]?.tool_call_id).toBe("call_0123456789");
  });

  it("never changes what is stored", async () => {
    const { server, store } = await begun();
    await using _server = server;
    const before = store.records(ID);
    await agentOn(server, store, "other-model").ask("Really?");
    expect(store.records(ID)?.slice(0, 4)).toEqual(before);
  });

  it.each<[string, string]>([
    ...["__proto__", "constructor", "role", "content", "tool_calls", "toString", "toJSON"].map(
      (name): [string, string] => [`has the name ${name}`, `"${name}":{"polluted":"yes"}`],
    ),
    ["has such a name further inside", '"x":[{"y":{"__proto__":{"polluted":"yes"}}}]'],
    ["is a number that is too large", '"x":1e999'],
    ["holds numbers that are too large", '"x":{"y":[1e999,-1e999,1]}'],
    ["is nested very deep", `"x":${"[".repeat(5_000)}${"]".repeat(5_000)}`],
    ["holds half of a surrogate pair, also in a name", '"x\\ud83d":{"\\udc00":"\\ud83d"}'],
  ])("costs no turn, and takes the place of no field of ours, if it %s", async (_what, odd) => {
    const called = `{"index":0,"id":"call_1","function":{"name":"clock","arguments":"{}",${odd}},${odd}}`;
    const calling = `{"choices":[{"index":0,"delta":{"tool_calls":[${called}],"y":1,${odd}},"finish_reason":null}]}`;
    await using server = await ChatServer.start(
      (response) => {
        begin(response);
        response.end(`data: ${calling}\n\ndata: ${JSON.stringify(finish("tool_calls"))}\n\n`);
      },
      streams(delta({ content: "Noon." }), finish()),
    );
    const store = new ReferenceLog();
    const agent = agentOn(server, store);
    const isOurs = /"(role|content|tool_calls)"/.test(odd);
    if (isOurs) {
      // A call has no such fields, so they are those of another server. In a message, they are its own.
      await agent
        .ask("What time is it?")
        .catch((error: unknown) => expect(error).toMatchObject({ code: "INVALID_ANSWER" }));
    } else {
      expect(await agent.ask("What time is it?")).toBe("Noon.");
      expect(store.records(ID)).toHaveLength(4);
      expect(sent(server)[1]).toMatchObject({ role: "assistant", tool_calls: [{ id: "call_1", type: "function" }] });
      expect(await agent.ask("Really?")).toBe("Noon.");
    }
    expect({}).not.toHaveProperty("polluted");
  });
});
