import { describe, expect, it } from "@jest/globals";
import { AnswerDraft } from "../src/agent/answer-draft.ts";
import { Agent, type AssistantMessage, defineTool, OpenAIModel, type OpenAIModelOptions } from "../src/index.ts";
import { chunksOf } from "../src/model/openai/answer-chunks.ts";
import { eventsOf } from "../src/model/openai/stream.ts";
import { ChatServer, delta, finish, type Script, streams } from "./support/chat-server.ts";
import {
  cuttingReasons,
  misplacedAnswers,
  type Recording,
  richAnswers,
  untidyCalls,
  wholeReasons,
} from "./support/recordings.ts";
import { ReferenceLog } from "./support/reference-log.ts";

const ID = "user-alice";
const all = { ...untidyCalls, ...misplacedAnswers, ...richAnswers };
const done = streams(delta({ content: "Done." }), finish());

/** What an ask did. */
interface Outcome {
  /** The answer that was stored, in the form of a recording's. `null`: nothing was stored. */
  stored: object | null;
  /** The arguments that tools ran with. */
  ran: unknown[];
  error: unknown;
}

/** Asks once, with the tools that the recordings call. */
async function ask(options: OpenAIModelOptions): Promise<Outcome> {
  const store = new ReferenceLog();
  const ran: unknown[] = [];
  const run = (name: string) => defineTool({ name, execute: (args) => void ran.push({ name, arguments: args }) });
  const model = new OpenAIModel("test-model", { apiKey: "none", maxRetries: 0, ...options });
  const agent = new Agent({ model, longMemory: ID, backend: store, tools: [run("weather"), run("clock")] });
  let error: unknown;
  try {
    await agent.ask("Hello");
  } catch (thrown) {
    error = thrown;
  }
  const answer = store.records(ID)?.[1];
  return { stored: answer === undefined ? null : shown(answer as AssistantMessage), ran, error };
}

/** A message without what differs from run to run, and without what the provider added. */
function shown({ content, toolCalls, reasoning, refusal, status, finishReason }: AssistantMessage): object {
  return {
    content,
    ...(toolCalls !== undefined && {
      toolCalls: toolCalls.map(({ id, name, arguments: text }) => ({ id, name, arguments: JSON.parse(text || "{}") })),
    }),
    ...(reasoning !== undefined && { reasoning }),
    ...(refusal !== undefined && { refusal }),
    ...(status !== undefined && { status }),
    ...(finishReason !== undefined && { finishReason }),
  };
}

/** The message of a recording, whose calls may have any id if the server gave none. */
function expected({ message }: Recording): object {
  const { toolCalls } = message;
  return {
    ...message,
    ...(toolCalls && { toolCalls: toolCalls.map((call) => ({ id: expect.any(String), ...call })) }),
  };
}

function callsIn({ message }: Recording): unknown[] {
  return (message.toolCalls ?? []).map(({ name, arguments: args }) => ({ name, arguments: args }));
}

/** Sends a part of a recording, then ends the response or cuts the connection. */
function sends({ contentType = "text/event-stream" }: Recording, body: string, cut = false): Script {
  return async (response) => {
    response.writeHead(200, { "content-type": contentType });
    response.flushHeaders();
    await new Promise<void>((resolve) => (body === "" ? resolve() : response.write(body, () => resolve())));
    if (cut) response.destroy();
    else response.end();
  };
}

async function askServer(recording: Recording, script: Script): Promise<Outcome> {
  await using server = await ChatServer.start(script, done);
  return await ask({ ...recording.options, baseURL: server.baseURL });
}

/** What a cut stream may do: all that the whole one does, or nothing at all. */
function checkCut(recording: Recording, { stored, ran, error }: Outcome): void {
  if (error === undefined) {
    expect(stored).toEqual(expected(recording));
    expect(ran).toEqual(callsIn(recording));
  } else {
    expect(error).toMatchObject({ code: "INVALID_ANSWER", message: expect.not.stringContaining("Lis") });
    expect(stored).toBeNull();
    expect(ran).toEqual([]);
  }
}

describe("the message that is stored of an untidy answer is the one that was meant", () => {
  it.each(Object.entries(all))("%s", async (_what, recording) => {
    const { stored, ran, error } = await askServer(recording, sends(recording, recording.events.join("")));
    expect(error).toBeUndefined();
    expect(stored).toEqual(expected(recording));
    expect(ran).toEqual(callsIn(recording));
  });
});

describe("an answer that is cut between two events is stored whole or not at all", () => {
  it.each(Object.entries(all))("%s", async (_what, recording) => {
    for (let count = 0; count < recording.events.length; count++) {
      const body = recording.events.slice(0, count).join("");
      for (const cut of [true, false]) checkCut(recording, await askServer(recording, sends(recording, body, cut)));
    }
    const nothing = await askServer(recording, sends(recording, ""));
    expect(nothing.error).toMatchObject({ message: expect.any(String) });
  });
});

/** What the model makes of these bytes of a body, which then ends or fails. `null`: it throws. */
async function read({ options }: Recording, bytes: Uint8Array, fails: boolean): Promise<object | null> {
  let isSent = bytes.length === 0;
  const body = new ReadableStream({
    pull(controller) {
      if (!isSent) controller.enqueue(bytes);
      else if (fails) controller.error(new TypeError("terminated"));
      else controller.close();
      isSent = true;
    },
  });
  const draft = new AnswerDraft();
  const chunks = chunksOf(new Response(body), new AbortController().signal);
  try {
    for await (const event of eventsOf(chunks, { source: "test", acceptEndMark: false, ...options })) draft.add(event);
  } catch (error) {
    expect(error).toMatchObject({ code: "INVALID_ANSWER" });
    return null;
  }
  expect(draft.finished).toBe(true);
  return shown(draft.message());
}

/** Where the longest event begins and ends, in bytes: most can be lost in it. */
function longestEvent({ events }: Recording): [start: number, end: number] {
  const sizes = events.map((event) => Buffer.byteLength(event));
  const longest = sizes.indexOf(Math.max(...sizes));
  const start = sizes.slice(0, longest).reduce((sum, size) => sum + size, 0);
  return [start, start + (sizes[longest] ?? 0)];
}

describe("an answer that is cut within an event, at any byte, is understood whole or not at all", () => {
  it.each(Object.entries(all))("%s", async (_what, recording) => {
    const bytes = Buffer.from(recording.events.join(""));
    const right = expected(recording);
    const [start, end] = longestEvent(recording);
    for (let length = start; length < end; length++) {
      for (const fails of [true, false]) {
        const message = await read(recording, bytes.subarray(0, length), fails);
        if (message !== null) expect(message).toEqual(right);
      }
    }
    expect(await read(recording, bytes, false)).toEqual(right);
  });
});

describe("an answer that its provider cut", () => {
  const call = { index: 0, id: "call_1", function: { name: "weather", arguments: '{"city":"Lis"}' } };

  it.each(cuttingReasons)("is stored as incomplete, and its calls are not run: %s", async (reason) => {
    await using server = await ChatServer.start(
      streams(delta({ content: "Once" }), delta({ tool_calls: [call] }), finish(reason)),
    );
    const { stored, ran } = await ask({ baseURL: server.baseURL });
    expect(stored).toEqual({ content: "Once", status: "incomplete", finishReason: reason });
    expect(ran).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });

  it.each(wholeReasons)("is not one that ended with %s", async (reason) => {
    await using server = await ChatServer.start(streams(delta({ content: "Once" }), finish(reason)));
    expect((await ask({ baseURL: server.baseURL })).stored).toEqual({ content: "Once" });
  });
});

describe("an answer that cannot be understood is an error, and nothing is stored", () => {
  const secret = "the text that was said";
  const event = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;

  it.each<[string, string, string]>([
    ["an empty body", "text/event-stream", ""],
    ["an empty body of JSON", "application/json", ""],
    ["a page", "text/html", `<html><body>${secret}</body></html>`],
    ["JSON that is no answer", "application/json", JSON.stringify({ output: secret })],
    ["JSON without choices", "application/json", JSON.stringify({ choices: [] })],
    ["JSON of a number", "application/json", "7"],
    ["lines of JSON", "application/x-ndjson", `${JSON.stringify({ message: { content: secret }, done: true })}\n`],
    ["events that are not JSON", "text/event-stream", `data: ${secret}\n\n`],
    ["the end mark alone", "text/event-stream", "data: [DONE]\n\n"],
    ["content of an unknown kind", "text/event-stream", event(delta({ content: { nested: secret } }, "stop"))],
    [
      "a call without a name",
      "text/event-stream",
      event(delta({ tool_calls: [{ index: 0, id: "c", function: { arguments: `{"a":"${secret}"}` } }] }, "tool_calls")),
    ],
    ["no reason and no end mark", "text/event-stream", event(delta({ content: secret }))],
  ])("%s", async (_what, contentType, body) => {
    for (const options of [{}, { acceptEndMark: true }]) {
      const recording: Recording = { events: [], contentType, message: { content: "" }, options };
      const { stored, error, ran } = await askServer(recording, sends(recording, body));
      expect(error).toMatchObject({ message: expect.any(String) });
      expect(String((error as Error).message)).not.toContain(secret);
      expect(stored).toBeNull();
      expect(ran).toEqual([]);
    }
  });

  it.each<[string, unknown]>([
    ["an error object", { error: { message: "quota exceeded", code: 429 } }],
    ["an error in a list", [{ error: { message: "quota exceeded", code: 429, status: "RESOURCE_EXHAUSTED" } }]],
    ["an error text", { error: "quota exceeded" }],
    ["an error at the top", { object: "error", message: "quota exceeded", code: 429 }],
  ])("%s with the status 200 is told, as JSON and within a stream", async (_what, value) => {
    const recording: Recording = { events: [], message: { content: "" } };
    const json = { ...recording, contentType: "application/json" };
    const begun = `${event(delta({ content: "Hi" }))}${event(value)}${event(finish())}data: [DONE]\n\n`;
    for (const outcome of [
      await askServer(json, sends(json, JSON.stringify(value))),
      await askServer(recording, sends(recording, begun)),
    ]) {
      expect(outcome.stored).toBeNull();
      expect(outcome.error).toMatchObject({ message: expect.stringContaining("quota exceeded") });
    }
  });
});
