import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type ModelServer, modelFromEnvironment, startOfflineModel } from "../src/index.ts";
import { chat, piecesOf } from "./chat.ts";

describe("the offline model listens as a real one does", () => {
  let server: ModelServer;
  beforeEach(async () => {
    server = await startOfflineModel();
  });
  afterEach(() => server.close());

  it("on this machine only", () => {
    expect(server.baseURL).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  });

  it("and streams word by word", async () => {
    const { chunks } = await chat(server, [
      { role: "user", content: "My favourite colour is blue." },
      { role: "user", content: "What is my favorite color?" },
    ]);
    expect(piecesOf(chunks)).toEqual(["Your", " favourite", " colour", " is", " blue."]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe("stop");
  });

  it("and keeps nothing between two requests", async () => {
    await chat(server, [{ role: "user", content: "My name is Alice." }]);
    const { chunks } = await chat(server, [{ role: "user", content: "What is my name?" }]);
    expect(piecesOf(chunks).join("")).toBe("I do not know.");
  });
});

describe("the environment names the model", () => {
  const said: string[] = [];
  const say = (line: string): void => {
    said.push(line);
  };
  beforeEach(() => {
    said.length = 0;
  });

  it("a real model if there is a key", async () => {
    const env = { OPENAI_API_KEY: "sk-1", OPENAI_BASE_URL: "http://localhost:11434/v1", OPENAI_MODEL: "llama3.3" };
    await using model = await modelFromEnvironment({ env, say });
    expect(model).toMatchObject({
      apiKey: "sk-1",
      baseURL: "http://localhost:11434/v1",
      model: "llama3.3",
      offline: false,
    });
    expect(said).toEqual([]);
  });

  it("with defaults", async () => {
    await using model = await modelFromEnvironment({ env: { OPENAI_API_KEY: "sk-1" }, say });
    expect(model).toMatchObject({ apiKey: "sk-1", baseURL: undefined, model: "gpt-4" });
  });

  it("the offline model if there is no key, and a line says so", async () => {
    await using model = await modelFromEnvironment({ env: { OPENAI_API_KEY: "", OPENAI_MODEL: "gpt-4" }, say });
    expect(model).toMatchObject({ model: "offline", offline: true, baseURL: expect.stringContaining("127.0.0.1") });
    expect(said).toEqual([expect.stringContaining("offline model")]);
  });
});
