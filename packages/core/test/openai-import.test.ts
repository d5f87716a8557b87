import { describe, expect, it } from "@jest/globals";
import { Agent, fromOpenAIAnswer, fromOpenAIMessage, OpenAIModel, toOpenAIMessages } from "../src/index.ts";
import { ChatServer } from "./support/chat-server.ts";
import { ReferenceLog } from "./support/reference-log.ts";
import { bare } from "./support/scripted-model.ts";

const SOURCE = "https://example.com/v1 test-model";
const call = { id: "call_1", type: "function", function: { name: "weather", arguments: '{"city":"Lisbon"}' } };

/** Messages of answers, as servers send them. */
const answers: Record<string, { role: string; content: unknown; [field: string]: unknown }> = {
  text: { role: "assistant", content: "Hi" },
  "text in parts": { role: "assistant", content: [{ type: "text", text: "Hi" }] },
  reasoning_content: { role: "assistant", content: "Hi", reasoning_content: "Hm" },
  "reasoning with details": {
    role: "assistant",
    content: "Hi",
    reasoning: "Hm",
    reasoning_details: [{ type: "reasoning.text", index: 0, text: "Hm", signature: "s" }],
  },
  "a thought in parts": {
    role: "assistant",
    content: [
      { type: "thinking", thinking: [{ type: "text", text: "Hm" }] },
      { type: "text", text: "Hi" },
    ],
  },
  "a call with a signature": {
    role: "assistant",
    content: null,
    tool_calls: [{ ...call, extra_content: { google: { thought_signature: "s" } } }],
  },
  sound: { role: "assistant", content: null, audio: { id: "a", data: "AAAA", transcript: "Hi", expires_at: 1 } },
  annotations: {
    role: "assistant",
    content: "Hi",
    annotations: [{ type: "url_citation", url: "https://example.com" }],
  },
  "a refusal": { role: "assistant", content: null, refusal: "I must not." },
};

describe("an answer that the application imports", () => {
  it.each(Object.entries(answers))(
    "is the message that the model itself would have stored: %s",
    async (_what, answer) => {
      await using server = await ChatServer.start((response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ choices: [{ index: 0, message: answer, finish_reason: "length" }] }));
      });
      const store = new ReferenceLog();
      const model = new OpenAIModel("test-model", { apiKey: "none", baseURL: server.baseURL });
      await new Agent({ model, longMemory: "user-alice", backend: store }).ask("Hello");
      // It is cut, so that no tool is run.
      const {
        status: _,
        finishReason: _reason,
        ...stored
      } = bare(store.records("user-alice")?.[1] as never) as Record<string, unknown>;
      const { toolCalls: _calls, ...imported } = bare(
        fromOpenAIAnswer(answer as never, `${server.baseURL} test-model`),
      ) as Record<string, unknown>;
      const asText = ({ content, ...others }: Record<string, unknown>) => ({
        ...others,
        content: Array.isArray(content) ? content.map(({ text }) => text).join("") : (content ?? ""),
      });
      expect(asText(imported)).toMatchObject({ content: asText(stored).content });
      expect(imported["reasoning"]).toEqual(stored["reasoning"]);
      expect(imported["refusal"]).toEqual(stored["refusal"]);
    },
  );

  it.each(Object.entries(answers))("loses nothing that its server wants back: %s", (_what, answer) => {
    const [sent] = toOpenAIMessages([fromOpenAIAnswer(answer as never, SOURCE)], { source: SOURCE });
    for (const field of ["reasoning_details", "annotations", "refusal", "tool_calls"]) {
      expect(sent?.[field as never]).toEqual(answer[field]);
    }
  });

  it("says as text what was sound, after the sound has expired", () => {
    const message = fromOpenAIAnswer(answers["sound"] as never, SOURCE);
    expect(toOpenAIMessages([message], { source: SOURCE })).toEqual([{ role: "assistant", content: "Hi" }]);
    expect(toOpenAIMessages([message], { source: "another" })).toEqual([{ role: "assistant", content: "Hi" }]);
  });

  it.each<[string, object]>([
    ["calls that are not a list", { role: "assistant", content: "Hi", tool_calls: "weather" }],
    ["a call of nothing", { role: "assistant", content: "Hi", tool_calls: [null] }],
    ["a call without an id", { role: "assistant", content: "Hi", tool_calls: [{ ...call, id: undefined }] }],
    [
      "arguments that are not text",
      { role: "assistant", tool_calls: [{ ...call, function: { name: "w", arguments: {} } }] },
    ],
    ["content of another kind", { role: "assistant", content: { text: "Hi" } }],
    ["a part of nothing", { role: "assistant", content: [null] }],
    ["a field that is a function", { role: "assistant", content: "Hi", later: () => "Hi" }],
    ["a part with a function", { role: "user", content: [{ type: "text", text: "Hi", later: () => "Hi" }] }],
  ])("is refused with a typed error that quotes nothing: %s", (_what, message) => {
    let thrown: unknown;
    try {
      fromOpenAIMessage(message as never);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "INVALID_ARGUMENT", message: expect.not.stringContaining("Hi") });
  });
});
