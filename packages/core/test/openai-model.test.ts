import { execFile } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect, promisify } from "node:util";
import { LLMock } from "@copilotkit/aimock";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import OpenAI, { APIConnectionError, AuthenticationError, AzureOpenAI, InternalServerError } from "openai";
import { assistant, MemoryError, type Message, type ModelEvent, type ModelRequest, tool, user } from "../src/index.ts";
import { type OpenAIClient, OpenAIModel, type OpenAIModelOptions } from "../src/model/openai/model.ts";
import { begin, ChatServer, delta, fails, finish, type Script, send, streams } from "./support/chat-server.ts";

const SECRET = "sk-test-0123456789";
const weather = { name: "weather", description: "The weather now", parameters: { type: "object", properties: {} } };

function request(fields: Partial<ModelRequest> = {}): ModelRequest {
  return { messages: [user("Hello")], tools: [], signal: new AbortController().signal, options: {}, ...fields };
}

async function read(model: OpenAIModel, fields: Partial<ModelRequest> = {}): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  for await (const event of model.generate(request(fields))) events.push(event);
  return events;
}

function textIn(events: readonly ModelEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

async function serve(...scripts: Script[]): Promise<ChatServer> {
  return ChatServer.start(...scripts);
}

function modelOn(server: { baseURL: string }, options: OpenAIModelOptions = {}): OpenAIModel {
  return new OpenAIModel("gpt-test", { apiKey: SECRET, baseURL: server.baseURL, maxRetries: 0, ...options });
}

const says = (text: string): Script => streams(delta({ content: text }), finish());

/** What `make` throws. */
function thrownBy(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("an OpenAI model talks to a server with OpenAI's protocol", () => {
  let mock: LLMock;
  let model: OpenAIModel;

  beforeEach(async () => {
    mock = new LLMock({ port: 0, host: "127.0.0.1", chunkSize: 3 });
    await mock.start();
    model = new OpenAIModel("gpt-test", { apiKey: SECRET, baseURL: `${mock.url}/v1` });
  });
  afterEach(() => mock.stop());

  it("in pieces of text, and with usage", async () => {
    mock.onMessage("Hello", { content: "Hi there!", usage: { prompt_tokens: 4, completion_tokens: 3 } });
    const events = await read(model);
    expect(events.filter(({ type }) => type === "text").length).toBeGreaterThan(1);
    expect(textIn(events)).toBe("Hi there!");
    expect(events.at(-1)).toEqual({
      type: "finish",
      finishReason: "stop",
      usage: { promptTokens: 4, completionTokens: 3, totalTokens: 7 },
    });
  });

  it("through a round of tools", async () => {
    const toolCalls = [
      { id: "call_1", name: "weather", arguments: '{"city":"Lisbon"}' },
      { id: "call_2", name: "weather", arguments: '{"city":"Porto"}' },
    ];
    mock.on({ userMessage: "Hello", hasToolResult: false }, { toolCalls });
    mock.on({ hasToolResult: true, toolCallId: "call_2" }, { content: "21 and 19 degrees." });

    const events = await read(model, { tools: [weather] });
    expect(events.flatMap((event) => (event.type === "tool-call" ? [event.call] : []))).toEqual(toolCalls);

    const messages: Message[] = [
      user("Hello"),
      assistant(null, { toolCalls }),
      tool("call_1", "21"),
      tool("call_2", "19"),
    ];
    expect(textIn(await read(model, { tools: [weather], messages }))).toBe("21 and 19 degrees.");
    expect(mock.getLastRequest()?.body).toMatchObject({
      messages: [{ role: "user" }, { role: "assistant", tool_calls: [{ id: "call_1" }, { id: "call_2" }] }, {}, {}],
      tools: [{ type: "function", function: weather }],
    });
  });
});

describe("the request of an OpenAI model", () => {
  it("holds model, conversation, tools and the key, and asks for a stream with usage", async () => {
    await using server = await serve(says("Hi"));
    await read(modelOn(server), { tools: [weather] });
    expect(server.requests[0]?.body).toEqual({
      model: "gpt-test",
      messages: [{ role: "user", content: "Hello" }],
      tools: [{ type: "function", function: weather }],
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${SECRET}`);
  });

  it("holds no empty list of tools, and no request for usage if that is turned off", async () => {
    await using server = await serve(says("Hi"));
    await read(modelOn(server, { includeUsage: false }));
    expect(Object.keys(server.requests[0]?.body ?? {}).sort()).toEqual(["messages", "model", "stream"]);
  });

  it("holds the caller's options unchanged", async () => {
    await using server = await serve(says("Hi"));
    const options = { temperature: 0.2, reasoning_effort: "low", model: "gpt-other", user: "alice" };
    await read(modelOn(server), { options });
    expect(server.requests[0]?.body).toMatchObject(options);
  });

  it.each(["messages", "tools", "stream", "n"])("is refused if an option would replace %s", async (name) => {
    await using server = await serve(says("Hi"));
    const reading = read(modelOn(server), { options: { [name]: [] } });
    await expect(reading).rejects.toMatchObject({ code: "INVALID_ARGUMENT", message: expect.stringContaining(name) });
    expect(server.requests).toHaveLength(0);
  });

  it("carries the client's options", async () => {
    await using server = await serve(says("Hi"));
    const model = modelOn(server, {
      organization: "org-1",
      project: "proj-1",
      defaultHeaders: { "x-team": "blue" },
      apiKey: async () => "sk-of-the-hour",
    });
    await read(model);
    expect(server.requests[0]?.headers).toMatchObject({
      "openai-organization": "org-1",
      "openai-project": "proj-1",
      "x-team": "blue",
      authorization: "Bearer sk-of-the-hour",
    });
  });

  it("goes through an existing client, Azure's too", async () => {
    await using server = await serve(says("Hi"));
    const azure = new AzureOpenAI({
      apiKey: SECRET,
      baseURL: `${server.baseURL}/deployments/gpt`,
      apiVersion: "2024-10-21",
      maxRetries: 0,
    });
    const clients: OpenAIClient[] = [new OpenAI({ apiKey: "sk-other", baseURL: server.baseURL }), azure];
    for (const client of clients) {
      expect(textIn(await read(new OpenAIModel("gpt-test", { client })))).toBe("Hi");
    }
    expect(server.requests[0]?.headers.authorization).toBe("Bearer sk-other");
    expect(server.requests[1]?.headers["api-key"]).toBe(SECRET);
  });
});

describe("a bad configuration of an OpenAI model is refused when it is made", () => {
  const key = process.env["OPENAI_API_KEY"];
  beforeEach(() => {
    delete process.env["OPENAI_API_KEY"];
  });
  afterEach(() => {
    if (key !== undefined) process.env["OPENAI_API_KEY"] = key;
  });

  const good = { apiKey: SECRET };
  const client = new OpenAI({ apiKey: SECRET });
  it.each<[string, unknown, unknown]>([
    ["no model", "", good],
    ["no options", "gpt-test", undefined],
    ["no key", "gpt-test", {}],
    ["an empty key", "gpt-test", { apiKey: "" }],
    ["a key that is null", "gpt-test", { apiKey: null }],
    ["a key in two lines", "gpt-test", { apiKey: `${SECRET}\n${SECRET}` }],
    ["a key that is not text", "gpt-test", { apiKey: 7 }],
    ["a base URL that is not a URL", "gpt-test", { ...good, baseURL: "api.example.com" }],
    ["a base URL of another protocol", "gpt-test", { ...good, baseURL: "ftp://api.example.com" }],
    ["a base URL with a password", "gpt-test", { ...good, baseURL: `https://alice:${SECRET}@api.example.com` }],
    ["a negative number of retries", "gpt-test", { ...good, maxRetries: -1 }],
    ["half a retry", "gpt-test", { ...good, maxRetries: 0.5 }],
    ["no timeout", "gpt-test", { ...good, timeout: 0 }],
    ["a timeout that is not a number", "gpt-test", { ...good, timeout: Number.NaN }],
    ["an invalid client", "gpt-test", { client: {} }],
    ["a client and a key", "gpt-test", { client, apiKey: SECRET }],
  ])("%s", (_what, model, options) => {
    // JavaScript accepts these.
    const error = thrownBy(() => new OpenAIModel(model as string, options as OpenAIModelOptions));
    expect(MemoryError.is(error, "INVALID_CONFIG")).toBe(true);
    expect(inspect(error, { showHidden: true })).not.toContain(SECRET);
  });

  it("saying where a key comes from", () => {
    expect(() => new OpenAIModel("gpt-test", { apiKey: undefined })).toThrow(/no API key.*OPENAI_API_KEY/);
  });

  it("but not another kind of credential", () => {
    const options: OpenAIModelOptions & { provider: object } = { provider: {} };
    expect(() => new OpenAIModel("gpt-test", options)).not.toThrow();
  });

  it("and a valid one is not shown", () => {
    expect(inspect(new OpenAIModel("gpt-test", good), { depth: 9, showHidden: true })).not.toContain(SECRET);
  });
});

describe("without the package openai", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "deep-agent-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("the first request says how to install it", async () => {
    // A copy of the source in a folder from which only one package can be found.
    await cp(join(__dirname, "../src"), join(folder, "src"), { recursive: true });
    const parser = join("node_modules", "eventsource-parser");
    await cp(join(__dirname, "..", parser), join(folder, parser), { recursive: true, dereference: true });
    const program = `
      import { OpenAIRequests } from "./src/model/openai/requests.ts";
      const requests = new OpenAIRequests("gpt-test", { apiKey: "sk-test" });
      const request = { messages: [], tools: [], options: {}, signal: new AbortController().signal };
      requests.send(request).next().catch(({ code, message }) => console.log(JSON.stringify({ code, message })));
    `;
    await writeFile(join(folder, "package.json"), '{"type":"module"}');
    await writeFile(join(folder, "main.ts"), program);
    const { stdout } = await promisify(execFile)(process.execPath, ["main.ts"], { cwd: folder });
    expect(JSON.parse(stdout)).toEqual({
      code: "INVALID_CONFIG",
      message: "The package `openai` is not installed. Install it with `npm install openai@7`.",
    });
  });
});

describe("a request that fails before the answer began", () => {
  const busy = fails(429, "Slow down", { "retry-after-ms": "1" });

  it("is repeated as often as the SDK is configured to", async () => {
    await using server = await serve(busy, fails(503, "Away", { "retry-after-ms": "1" }), says("Hi"));
    expect(textIn(await read(modelOn(server, { maxRetries: 2 })))).toBe("Hi");
    expect(server.requests).toHaveLength(3);
  });

  it("is not repeated without retries", async () => {
    await using server = await serve(busy, says("Hi"));
    await expect(read(modelOn(server))).rejects.toMatchObject({ status: 429 });
    expect(server.requests).toHaveLength(1);
  });

  it("is not repeated if the key is refused, and shows no key", async () => {
    await using server = await serve(fails(401, "Incorrect API key provided"));
    const error: unknown = await read(modelOn(server, { maxRetries: 2 })).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(inspect(error, { depth: 9 })).not.toContain(SECRET);
    expect(server.requests).toHaveLength(1);
  });

  it("gives up after the timeout", async () => {
    await using server = await serve(() => undefined);
    // An APIConnectionTimeoutError, but the SDK does not recognise an abort of jest's other realm.
    await expect(read(modelOn(server, { timeout: 50, maxRetries: 1 }))).rejects.toBeInstanceOf(APIConnectionError);
    expect(server.requests).toHaveLength(2);
  });

  it("gives up after the last retry", async () => {
    await using server = await serve(fails(500, "Broken", { "retry-after-ms": "1" }));
    await expect(read(modelOn(server, { maxRetries: 1 }))).rejects.toBeInstanceOf(InternalServerError);
    expect(server.requests).toHaveLength(2);
  });
});

describe("an answer that breaks off is a failure, not half an answer", () => {
  const starts = (then: (response: ServerResponse) => void): Script => {
    return (response) => {
      begin(response);
      send(response, delta({ content: "Once upon" }));
      then(response);
    };
  };

  it.each<[string, Script, RegExp]>([
    ["an end without a finish reason", streams(delta({ content: "Once upon" })), /broke off/],
    ["an end without [DONE]", starts((response) => response.end()), /broke off/],
    [
      "a lost connection",
      starts((response) => response.write("\n", () => response.destroy())),
      /connection to the server was lost/,
    ],
    ["an error in the stream", streams(delta({ content: "Once" }), { error: { message: "overloaded" } }), /overloaded/],
    [
      "a chunk that is not JSON",
      starts((response) => response.end('data: {"choices":[\n\n')),
      /an event of the stream is not JSON/,
    ],
    [
      "JSON in the place of a stream that is not whole",
      (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end('{"choices":[{"index":0,"message":{"content":"Hi"},"finish_reason":"stop"}]');
      },
      /broke off.*not whole/,
    ],
    [
      "a page of a proxy",
      (response) => {
        response.writeHead(200, { "content-type": "text/html" });
        response.end("<html><body>Please log in.</body></html>");
      },
      /neither a stream of events nor JSON/,
    ],
    [
      "an answer whose content is not text",
      streams(delta({ content: 7 }), finish()),
      /`choices\[0\]\.delta\.content`: it is a number/,
    ],
  ])("%s", async (_what, script, message) => {
    await using server = await serve(script);
    const logLevel: OpenAIModelOptions & { logLevel: string } = { logLevel: "off" }; // or the SDK prints it
    const events: ModelEvent[] = [];
    const reading = (async () => {
      for await (const event of modelOn(server, { ...logLevel, maxRetries: 2 }).generate(request())) events.push(event);
    })();
    await expect(reading).rejects.toThrow(message);
    expect(events.filter(({ type }) => type !== "text")).toEqual([]);
    expect(server.requests).toHaveLength(1); // an answer that has begun is not requested again
  });
});

describe("an aborted request rejects with the signal's reason", () => {
  const reason = new Error("The user pressed stop.");

  it("before anything is sent", async () => {
    await using server = await serve(says("Hi"));
    await expect(read(modelOn(server), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(0);
  });

  it("while the server is silent, without a retry", async () => {
    const controller = new AbortController();
    await using server = await serve(() => controller.abort(reason));
    await expect(read(modelOn(server, { maxRetries: 2 }), { signal: controller.signal })).rejects.toBe(reason);
    expect(server.requests).toHaveLength(1);
  });

  it("in the middle of the answer, and the server sees it", async () => {
    const closed = Promise.withResolvers<unknown>();
    await using server = await serve((response) => {
      begin(response);
      send(response, delta({ content: "Once upon" }));
      closed.resolve(once(response, "close"));
    });
    const controller = new AbortController();
    const reading = (async () => {
      for await (const event of modelOn(server).generate(request({ signal: controller.signal }))) {
        expect(event).toEqual({ type: "text", text: "Once upon" });
        controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    await closed.promise;
  });

  it("and a request whose reader leaves is ended too", async () => {
    const closed = Promise.withResolvers<unknown>();
    await using server = await serve((response) => {
      begin(response);
      send(response, delta({ content: "Once upon" }));
      closed.resolve(once(response, "close"));
    });
    for await (const event of modelOn(server).generate(request())) {
      expect(event.type).toBe("text");
      break;
    }
    await closed.promise;
  });
});
