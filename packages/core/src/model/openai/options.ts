import { MemoryError } from "../../contract/memory-error.ts";

/**
 * How an `OpenAIModel` reaches its server: options of the official SDK's client, under its names. Those not named here
 * are passed on too; for one of them in TypeScript, make the client yourself and give it as `client`.
 */
export interface OpenAIModelOptions {
  /**
   * The key, or a function that is asked for it at each request. It is not read from the environment. Servers that want
   * none take any text.
   */
  apiKey?: string | (() => Promise<string>) | null | undefined;
  /** Where the API is. Default: OpenAI's, whatever `OPENAI_BASE_URL` says. */
  baseURL?: string | null | undefined;
  organization?: string | null | undefined;
  project?: string | null | undefined;
  /** How often a request that failed before its answer began is made again: refused, timed out, status 408, 409, 429, 5xx. Default 2. */
  maxRetries?: number | undefined;
  /**
   * Milliseconds until the server must have begun to answer, for each attempt. Default 10 minutes. The answer itself may take
   * longer; an abort bounds that.
   */
  timeout?: number | undefined;
  defaultHeaders?: Record<string, string | null | undefined> | undefined;
  defaultQuery?: Record<string, string | undefined> | undefined;
  /** Used instead of the global `fetch`. */
  fetch?: (typeof globalThis extends { fetch: infer Fetch } ? Fetch : never) | undefined;
  /** Passed to `fetch` with each request: a `dispatcher` for a proxy, say. */
  fetchOptions?: object | undefined;
  /** An existing client of the SDK (`OpenAI`, `AzureOpenAI`), used as it is. Then no other option of the client may be given. */
  client?: OpenAIClient | undefined;
  /** Ask for the tokens used (`stream_options`). Default `true`; `false` for servers that refuse the question. */
  includeUsage?: boolean | undefined;
}

/** What is needed of a client: all of the SDK's have it. */
export interface OpenAIClient {
  chat: {
    completions: {
      /** With `stream: true`, resolves to an async iterable of chunks. */
      create(body: object, options?: { signal?: AbortSignal }): PromiseLike<unknown>;
    };
  };
}

/** The options with which the SDK's client can do without an API key. */
const otherCredentials: readonly string[] = ["adminAPIKey", "workloadIdentity", "credential", "provider"];

/**
 * Throws `INVALID_CONFIG` where the API key is missing or an option is malformed. What the options hold never gets into the
 * message.
 */
export function checkOpenAIOptions(options: OpenAIModelOptions): void {
  check(typeof options === "object" && options !== null, "The options of an OpenAI model must be an object.");
  const { client, includeUsage: _, ...others } = options;
  const given = Object.entries(others).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [name],
  );
  if (client !== undefined) {
    check(
      given.length === 0,
      `The OpenAI model has a \`client\`, so ${given.join(", ")} would be ignored.`,
      "Give these options to the client when you make it.",
    );
    check(
      typeof client?.chat?.completions?.create === "function",
      "The `client` of the OpenAI model is not a client of the SDK.",
    );
    return;
  }
  checkApiKey(options.apiKey, given);
  checkBaseUrl(options.baseURL);
  const { maxRetries = 0, timeout = 1 } = options;
  check(
    Number.isSafeInteger(maxRetries) && maxRetries >= 0,
    "`maxRetries` of the OpenAI model must be an integer from 0 on.",
  );
  check(
    Number.isFinite(timeout) && timeout > 0,
    "`timeout` of the OpenAI model must be a positive number of milliseconds.",
  );
}

function checkApiKey(apiKey: OpenAIModelOptions["apiKey"], given: readonly string[]): void {
  if (typeof apiKey === "function") return;
  const present = apiKey !== undefined && apiKey !== null && apiKey !== "";
  check(
    present || otherCredentials.some((name) => given.includes(name)),
    "The OpenAI model has no API key.",
    "Pass one as `apiKey`, from process.env.OPENAI_API_KEY for one; a server that wants none takes any text.",
  );
  // Else `fetch` refuses the header, with the key in the text of its error.
  check(
    !present || (typeof apiKey === "string" && /^[\x21-\x7e]+$/.test(apiKey)),
    "The API key of the OpenAI model must be text of printable ASCII characters without spaces.",
    "Look whether it was read whole, and without quotes or line breaks.",
  );
}

function checkBaseUrl(baseURL: string | null | undefined): void {
  if (baseURL === undefined || baseURL === null) return;
  const url = URL.parse(baseURL);
  check(
    url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "",
    "`baseURL` of the OpenAI model must be an http or https URL without a user name or password.",
    'Write it as "https://api.example.com/v1".',
  );
}

function check(valid: boolean, problem: string, hint?: string): void {
  if (!valid) throw new MemoryError("INVALID_CONFIG", problem, { hint });
}
