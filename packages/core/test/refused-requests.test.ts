import { describe, expect, it } from "@jest/globals";
import { APIError, BadRequestError } from "openai";
import { Agent, OpenAIModel } from "../src/index.ts";
import { ChatServer } from "./support/chat-server.ts";
import { ReferenceLog } from "./support/reference-log.ts";

const ID = "user-alice";
const SAID = "the text that was said";

/** The error of an ask that a server refuses with this body. */
async function refused(body: string, status = 400, contentType = "application/json"): Promise<APIError> {
  await using server = await ChatServer.start((response) => {
    response.writeHead(status, { "content-type": contentType });
    response.end(body);
  });
  const store = new ReferenceLog();
  const model = new OpenAIModel("test-model", { apiKey: "sk-secret", baseURL: server.baseURL, maxRetries: 0 });
  const asking = new Agent({ model, longMemory: ID, backend: store }).ask(SAID);
  const error: unknown = await asking.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(store.records(ID)).toBeNull();
  expect(error).toBeInstanceOf(APIError);
  return error as APIError;
}

describe("a provider that refuses a request says why, with the status and the field", () => {
  const field = "messages[2].content";

  it.each<[string, unknown, string, string | undefined]>([
    ["OpenAI", { error: { message: "too long", type: "x", param: field, code: "c" } }, "too long", field],
    ["DeepSeek", { error: { message: "too long", type: "x", param: null, code: "x" } }, "too long", undefined],
    ["Google", [{ error: { code: 400, message: "too long", status: "INVALID_ARGUMENT" } }], "too long", undefined],
    [
      "Google, with details",
      [
        {
          error: {
            code: 400,
            message: "too long",
            details: [{ "@type": "x" }, { fieldViolations: [{ field, description: "too long" }] }],
          },
        },
      ],
      "too long",
      field,
    ],
    [
      "Mistral",
      { object: "error", message: { detail: [{ loc: ["body", "messages", 2], msg: "too long", input: SAID }] } },
      "messages.2: too long",
      "messages.2",
    ],
    [
      "Mistral, about turns",
      { object: "error", message: "too long", param: null, code: "3230" },
      "too long",
      undefined,
    ],
    ["FastAPI", { detail: [{ loc: ["body", "tools", 0], msg: "too long", input: SAID }] }, "too long", "tools.0"],
    ["FastAPI, in words", { detail: "too long" }, "too long", undefined],
    [
      "vLLM",
      { object: "error", message: "too long", type: "BadRequestError", param: field, code: 400 },
      "too long",
      field,
    ],
    ["Ollama", { error: "too long" }, "too long", undefined],
    [
      "OpenRouter",
      {
        error: { code: 400, message: "Provider returned error", metadata: { raw: '{"error":{"message":"too long"}}' } },
      },
      "too long",
      undefined,
    ],
    ["SiliconFlow", { code: 20015, message: "too long", data: null }, "too long", undefined],
  ])("%s", async (_who, body, message, param) => {
    const error = await refused(JSON.stringify(body));
    expect(error).toBeInstanceOf(BadRequestError);
    expect(error.status).toBe(400);
    expect(error.message).toContain(message);
    expect(error.message).not.toMatch(/[[{]"|sk-secret/);
    expect(error.message).not.toContain(SAID);
    expect(error.param ?? undefined).toBe(param);
  });

  it.each<[string, string, string]>([
    ["nothing", "application/json", ""],
    ["a page", "text/html", "<html>Bad gateway</html>"],
    ["broken JSON", "application/json", '{"error":'],
    ["an empty list", "application/json", "[]"],
    ["null", "application/json", "null"],
    ["an object of nothing", "application/json", "{}"],
    ["an error of nothing", "application/json", '{"error":{}}'],
    ["an error that is null", "application/json", '{"error":null}'],
    ["a list within lists", "application/json", '[[[{"error":{"message":"deep"}}]]]'],
    ["details of odd kinds", "application/json", '{"detail":[null,7,{"loc":7,"msg":{}}]}'],
    ["errors within errors", "application/json", `${'{"error":'.repeat(50)}"deep"${"}".repeat(50)}`],
  ])("or else its status alone: %s", async (_what, contentType, body) => {
    for (const status of [400, 401, 422, 502]) {
      const error = await refused(body, status, contentType);
      expect(error.status).toBe(status);
    }
  });
});
