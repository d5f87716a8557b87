import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import OpenAI, { type ClientOptions } from "openai";
import { Agent, MemoryError, type ModelEvent, OpenAIModel, type OpenAIModelOptions, user } from "../src/index.ts";
import { ChatServer, delta, finish, streams } from "./support/chat-server.ts";

const SECRET = "sk-of-the-environment";
const OTHER = "sk-of-the-options";

/** Every variable that the SDK's client reads. */
const names = [
  ...["OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY"],
  ...["OPENAI_WEBHOOK_SECRET", "OPENAI_CUSTOM_HEADERS", "OPENAI_LOG"],
];
const before = { ...process.env };
beforeEach(() => {
  for (const name of names) delete process.env[name];
});
afterEach(() => {
  for (const name of names) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
});

interface Seen {
  url: string;
  headers: Record<string, string | null>;
}

/** A `fetch` that answers every request, and what it was asked. */
function recorded(): { seen: Seen[]; fetch: typeof fetch } {
  const seen: Seen[] = [];
  const chunks = [delta({ content: "Hi" }), finish()].map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
  return {
    seen,
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      const compared = ["authorization", "openai-organization", "openai-project", "x-team"];
      seen.push({ url: String(url), headers: Object.fromEntries(compared.map((name) => [name, headers.get(name)])) });
      return new Response(`${chunks.join("")}data: [DONE]\n\n`, { headers: { "content-type": "text/event-stream" } });
    },
  };
}

async function read(model: OpenAIModel): Promise<ModelEvent[]> {
  const events: ModelEvent[] = [];
  const request = { messages: [user("Hello")], tools: [], signal: new AbortController().signal, options: {} };
  for await (const event of model.generate(request)) events.push(event);
  return events;
}

/** The request that a model with these options makes. */
async function asked(options: OpenAIModelOptions & Partial<ClientOptions>): Promise<Seen> {
  const { seen, fetch } = recorded();
  await read(new OpenAIModel("gpt-test", { ...options, fetch }));
  expect(seen).toHaveLength(1);
  return seen[0] as Seen;
}

/** The request that a client of the SDK with these options makes. */
async function askedBySdk(options: ClientOptions): Promise<Seen> {
  const { seen, fetch } = recorded();
  const client = new OpenAI({ ...options, fetch });
  await client.chat.completions.create({ model: "gpt-test", messages: [], stream: true });
  return seen[0] as Seen;
}

function errorOf(options?: OpenAIModelOptions & Partial<ClientOptions>): MemoryError {
  try {
    new OpenAIModel("gpt-test", options);
  } catch (error) {
    if (MemoryError.is(error, "INVALID_CONFIG")) return error;
    throw error;
  }
  throw new Error("The model was made.");
}

describe("an OpenAI model means by its environment what `new OpenAI()` means", () => {
  const gateway = { OPENAI_API_KEY: SECRET, OPENAI_BASE_URL: "http://gateway.invalid/v1" };
  const account = { OPENAI_API_KEY: SECRET, OPENAI_ORG_ID: "org-env", OPENAI_PROJECT_ID: "proj-env" };
  const headers = { OPENAI_API_KEY: SECRET, OPENAI_CUSTOM_HEADERS: "X-Team: blue\nno header\n x-other : a: b " };

  it.each<[string, NodeJS.ProcessEnv, ClientOptions]>([
    ["a key", { OPENAI_API_KEY: SECRET }, {}],
    ["a key and an address", gateway, {}],
    ["an address that ends with a slash", { ...gateway, OPENAI_BASE_URL: "http://gateway.invalid/v1/" }, {}],
    ["an organization and a project", account, {}],
    ["headers", headers, {}],
    ["white space around values", { OPENAI_API_KEY: ` ${SECRET}\n`, OPENAI_BASE_URL: "\thttp://gateway.invalid " }, {}],
    ["a blank address", { ...gateway, OPENAI_BASE_URL: " \n" }, {}],
    ["an empty address", { ...gateway, OPENAI_BASE_URL: "" }, {}],
    ["blank accounts", { ...account, OPENAI_ORG_ID: "", OPENAI_PROJECT_ID: " " }, {}],
    ["an admin key beside a key", { ...account, OPENAI_ADMIN_KEY: "sk-admin" }, {}],
    ["options that are undefined", gateway, { apiKey: undefined, baseURL: undefined, organization: undefined }],
    ["options that are given", { ...gateway, ...account }, { apiKey: OTHER, baseURL: "http://other.invalid/v2" }],
    ["another key only", gateway, { apiKey: OTHER }],
    ["another address only", gateway, { baseURL: "http://other.invalid/v2" }],
    ["a key that is a function", gateway, { apiKey: async () => OTHER }],
    ["another account", account, { organization: "org-other", project: "proj-other" }],
    ["no address, explicitly", gateway, { baseURL: null }],
    ["no account, explicitly", account, { organization: null, project: null }],
    ["headers over those of the environment", headers, { defaultHeaders: { "x-team": "red" } }],
    ["a residency instead of the address", gateway, { dataResidency: "eu" }],
    ["an address beside no residency", gateway, { dataResidency: null }],
  ])("%s", async (_what, environment, options) => {
    Object.assign(process.env, environment);
    const expected = await askedBySdk(options);
    expect(await asked(options as OpenAIModelOptions)).toEqual(expected); // the same names; the SDK's types are wider
    expect(expected.headers["authorization"]).toMatch(/^Bearer sk-of-the-(environment|options)$/);
  });

  it("so an address beside a residency is refused, not ignored", async () => {
    const both = { apiKey: OTHER, baseURL: "http://other.invalid", dataResidency: "eu" } as const;
    expect(() => new OpenAI(both)).toThrow("mutually exclusive");
    await expect(asked(both)).rejects.toThrow("mutually exclusive");
  });

  it("so an agent needs no options", async () => {
    await using server = await ChatServer.start(streams(delta({ content: "Hi" }), finish()));
    Object.assign(process.env, { ...account, OPENAI_BASE_URL: server.baseURL });
    expect(await Agent.openAI("gpt-test").ask("Hello")).toBe("Hi");
    expect(server.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${SECRET}`,
      "openai-organization": "org-env",
      "openai-project": "proj-env",
    });
  });

  it("when it is made: later changes have no effect", async () => {
    Object.assign(process.env, { ...gateway, ...account });
    const { seen, fetch } = recorded();
    const model = new OpenAIModel("gpt-test", { fetch });
    for (const name of names) process.env[name] = "http://elsewhere.invalid";
    delete process.env["OPENAI_CUSTOM_HEADERS"];
    delete process.env["OPENAI_LOG"];
    await read(model);
    expect(seen[0]).toMatchObject({
      url: "http://gateway.invalid/v1/chat/completions",
      headers: { authorization: `Bearer ${SECRET}`, "openai-organization": "org-env", "openai-project": "proj-env" },
    });
  });

  it("except that a client of the application is used as it is", async () => {
    Object.assign(process.env, { ...account, OPENAI_BASE_URL: "not a URL" });
    await using server = await ChatServer.start(streams(delta({ content: "Hi" }), finish()));
    const client = new OpenAI({ apiKey: OTHER, baseURL: server.baseURL, organization: null });
    await read(new OpenAIModel("gpt-test", { client }));
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${OTHER}`);
    expect(server.requests[0]?.headers).not.toHaveProperty("openai-organization");
  });

  it("except that a workload identity is used, not refused, beside a key", async () => {
    Object.assign(process.env, gateway);
    const workloadIdentity = { provider: {} } as never; // is not used before the first request
    expect(() => new OpenAI({ workloadIdentity })).toThrow("mutually exclusive");
    expect(() => new OpenAIModel("gpt-test", { workloadIdentity } as OpenAIModelOptions)).not.toThrow();
  });
});

describe("where there is no environment, options alone count", () => {
  const { process: real } = globalThis;
  afterEach(() => {
    globalThis.process = real;
  });

  it.each<[string, () => unknown]>([
    ["no process", () => undefined],
    ["a process without variables", () => ({ ...real, env: undefined })],
    [
      "variables that may not be read",
      () => {
        const refuse = () => {
          throw new Error("NotCapable: Requires env access"); // as in Deno
        };
        return Object.assign(Object.create(real), { env: new Proxy({}, { get: refuse }) });
      },
    ],
  ])("%s", (_what, made) => {
    const substitute = made() as typeof real;
    let error: unknown;
    let model: OpenAIModel | undefined;
    try {
      globalThis.process = substitute;
      model = new OpenAIModel("gpt-test", { apiKey: OTHER });
      error = errorOf();
    } finally {
      globalThis.process = real;
    }
    expect(model).toBeInstanceOf(OpenAIModel);
    expect(error).toMatchObject({ message: expect.stringMatching(/no API key/) });
  });
});

describe("a model that cannot be asked is refused when it is made", () => {
  it.each<[string, NodeJS.ProcessEnv]>([
    ["nothing", {}],
    ["an empty key", { OPENAI_API_KEY: "" }],
    ["a blank key", { OPENAI_API_KEY: " \n" }],
    ["an admin key, which cannot ask a model", { OPENAI_ADMIN_KEY: "sk-admin" }],
  ])("without a key: %s", (_what, environment) => {
    Object.assign(process.env, environment);
    expect(errorOf().message).toMatch(/no API key\. Set the variable OPENAI_API_KEY, or pass `apiKey`/);
    expect(errorOf({ apiKey: undefined }).message).toBe(errorOf().message);
    expect(() => Agent.openAI("gpt-test")).toThrow(errorOf().message);
  });

  it("without a key, explicitly, whatever the environment holds", () => {
    process.env["OPENAI_API_KEY"] = SECRET;
    for (const apiKey of [null, ""]) {
      expect(errorOf({ apiKey }).message).toMatch(/no API key\. Pass it as `apiKey`, or leave `apiKey` out/);
    }
  });

  it.each([
    ["OPENAI_API_KEY", `${SECRET} ${SECRET}`],
    ["OPENAI_API_KEY", `${SECRET}\n${SECRET}`],
    ["OPENAI_API_KEY", `${SECRET}é`],
    ["OPENAI_BASE_URL", `gateway/${SECRET}`],
    ["OPENAI_BASE_URL", `localhost:8080/${SECRET}`],
    ["OPENAI_BASE_URL", `ftp://gateway.invalid/${SECRET}`],
    ["OPENAI_BASE_URL", `http://alice:${SECRET}@gateway.invalid`],
    ["OPENAI_BASE_URL", `http://gateway.invalid/v1 ${SECRET}`],
    ["OPENAI_BASE_URL", `http://gateway.invalid/v1?key=${SECRET}`],
    ["OPENAI_BASE_URL", `http://gateway.invalid/v1#${SECRET}`],
    ["OPENAI_ORG_ID", `${SECRET}\n${SECRET}`],
    ["OPENAI_PROJECT_ID", `${SECRET}\u2603`],
    ["OPENAI_CUSTOM_HEADERS", `X Team: ${SECRET}`],
    ["OPENAI_CUSTOM_HEADERS", `x-team: ${SECRET}\u2603`],
    ["OPENAI_CUSTOM_HEADERS", `x-team: blue\n: ${SECRET}`],
  ])("if the variable %s is %j, by its name and without its value", (name, value) => {
    Object.assign(process.env, { OPENAI_API_KEY: SECRET, [name]: value });
    const error = errorOf();
    expect(error.message).toContain(`The variable ${name} `);
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(SECRET);
  });

  it.each<[string, OpenAIModelOptions]>([
    ["baseURL", { baseURL: "" }],
    ["baseURL", { baseURL: " http://gateway.invalid/v1" }],
    ["baseURL", { baseURL: new URL("http://gateway.invalid") as unknown as string }],
    ["baseURL", { baseURL: "http://gateway.invalid/v1?" }],
    ["baseURL", { baseURL: `http://gateway.invalid/v1?key=${SECRET}` }],
    ["baseURL", { baseURL: `http://gateway.invalid/v1#${SECRET}` }],
    ["organization", { organization: `${SECRET}\n${SECRET}` }],
    ["project", { project: `${SECRET}\u2603` }],
    ["defaultHeaders", { defaultHeaders: { "x team": SECRET } }],
    ["defaultHeaders", { defaultHeaders: { "x-team": `${SECRET}\n${SECRET}` } }],
  ])("if the option %s is wrong: %j, not the variable beside it", (option, options) => {
    const environment = { OPENAI_BASE_URL: "http://gateway.invalid/v1", OPENAI_ORG_ID: "o", OPENAI_PROJECT_ID: "p" };
    Object.assign(process.env, environment);
    const error = errorOf({ apiKey: OTHER, ...options });
    expect(error.message).toContain(`\`${option}\` of the OpenAI model`);
    expect(inspect(error, { showHidden: true, depth: 9 })).not.toContain(SECRET);
  });

  it("and a query is said to belong into `defaultQuery`", () => {
    expect(errorOf({ apiKey: OTHER, baseURL: "http://gateway.invalid/v1?version=2" }).hint).toContain("`defaultQuery`");
  });

  it("but not for a variable that is not used", () => {
    for (const name of names) process.env[name] = "not\nvalid: \u2603";
    delete process.env["OPENAI_CUSTOM_HEADERS"];
    const options = { apiKey: OTHER, baseURL: null, organization: null, project: null };
    expect(() => new OpenAIModel("gpt-test", options)).not.toThrow();
  });
});
