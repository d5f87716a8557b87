import { describe, expect, it } from "@jest/globals";
import { type ContentPart, defineTool, OpenAIModel, type OpenAIModelOptions, type ToolMessage } from "../src/index.ts";
import { ID, remembering } from "./support/agents.ts";
import { ChatServer, delta, finish, streams } from "./support/chat-server.ts";
import { ScriptedModel } from "./support/scripted-model.ts";

const call = { id: "call_1", name: "look", arguments: "{}" };
const picture: ContentPart = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } };
const caption: ContentPart = { type: "text", text: "The sky:" };

/** The result that is stored of a tool that does this. */
async function resultOf(execute: () => unknown): Promise<ToolMessage> {
  const model = new ScriptedModel({ calls: [call] }, { text: ["Done."] });
  const { store, agent } = remembering(model, { tools: [defineTool({ name: "look", execute })] });
  expect(await agent.ask("Look")).toBe("Done.");
  return store.records(ID)?.[2] as ToolMessage; // the third message of the turn
}

describe("a tool may return content parts", () => {
  it("which are stored as they are", async () => {
    const parts = [caption, picture];
    const result = await resultOf(() => parts);
    expect(result).toMatchObject({ role: "tool", name: "look", toolCallId: "call_1", content: parts });
    expect(result.status).toBeUndefined();
  });

  it.each<[string, unknown]>([
    ["an empty list", []],
    ["a list of other things", [caption, { type: "lamp" }]],
    ["a list with a part that lacks its value", [{ type: "image_url" }]],
    ["one part", picture],
    ["a list of numbers", [1, 2]],
  ])("but %s becomes JSON", async (_what, value) => {
    expect((await resultOf(() => value)).content).toBe(JSON.stringify(value));
  });

  it.each<[string, OpenAIModelOptions]>([
    ["in a message of the user after all results, because OpenAI accepts only text in a result", {}],
    ["within the result, if the server insists on turns", { alternate: true }],
  ])("and are sent %s", async (_what, options) => {
    const pieces = ["call_1", "call_2"].map((id, index) => ({
      index,
      id,
      function: { name: "look", arguments: "{}" },
    }));
    await using server = await ChatServer.start(
      streams(delta({ tool_calls: pieces }), finish("tool_calls")),
      streams(delta({ content: "Blue." }), finish()),
    );
    const { agent } = remembering(new ScriptedModel(), {
      model: new OpenAIModel("test-model", { apiKey: "none", baseURL: server.baseURL, ...options }),
      tools: [defineTool({ name: "look", execute: () => [caption, picture] })],
    });
    expect(await agent.ask("Look")).toBe("Blue.");
    const messages = server.requests[1]?.body["messages"] as { role: string; content: unknown }[];
    const pictures = messages.map(({ content }) => JSON.stringify(content).split(picture.image_url.url).length - 1);
    if (options.alternate) {
      expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool"]);
      expect(pictures).toEqual([0, 0, 1, 1]);
    } else {
      expect(messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "tool", "user"]);
      expect(messages[2]?.content).toBe("The sky:");
      expect(pictures).toEqual([0, 0, 0, 0, 2]);
    }
  });
});

const throwing = (): never => {
  throw new Error("the getter of the tool's error");
};

describe("a tool that throws anything at all", () => {
  it.each<[string, unknown]>([
    [
      "an object whose message throws",
      {
        get message() {
          return throwing();
        },
      },
    ],
    ["an error whose message throws", Object.defineProperty(new Error("x"), "message", { get: throwing })],
    ["an error whose name throws", Object.defineProperty(new Error("no such city"), "name", { get: throwing })],
    ["an error whose message is an object", Object.assign(new Error(), { message: { secret: 1 } })],
    ["a proxy", new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing, ownKeys: throwing })],
    ["a proxy of an error", new Proxy(new Error("x"), { get: throwing })],
    ["a proxy that was revoked", revoked()],
    ["an object that cannot become text", { toString: throwing, [Symbol.toPrimitive]: throwing }],
    ["a symbol", Symbol("x")],
    ["a bigint", 1n],
    ["half of a surrogate pair", "\ud83d"],
    ["nothing", null],
  ])("has a result that says so: %s", async (_what, thrown) => {
    for (const execute of [
      () => {
        throw thrown;
      },
      () => Promise.reject(thrown),
    ]) {
      const { content, status } = await resultOf(execute);
      expect(status).toBe("error");
      expect(content).toMatch(/^Error: /);
      expect(content).not.toContain("secret");
    }
  });

  it.each<[string, unknown]>([
    ["a proxy", new Proxy({}, { get: throwing, ownKeys: throwing })],
    ["a revoked proxy", revoked()],
    ["an object whose toJSON throws", { toJSON: throwing }],
    ["an object that holds itself", circular()],
    [
      "a list whose parts throw",
      [
        {
          type: "text",
          get text() {
            return throwing();
          },
        },
      ],
    ],
  ])("and so has one that returns %s", async (_what, returned) => {
    // Wrapped, because a proxy is asked whether it is a promise.
    const { content, status } = await resultOf(() => ({ returned }));
    expect(status).toBe("error");
    expect(content).toMatch(/^Error: /);
    const bare = await resultOf(() => returned);
    expect(bare.status).toBe("error");
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function circular(): object {
  const value: Record<string, unknown> = {};
  value["self"] = value;
  return value;
}
