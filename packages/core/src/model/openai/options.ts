import { MemoryError } from "../../contract/memory-error.ts";

/** The type of the global `fetch`, where the compiler knows one. */
type GlobalFetch = typeof globalThis extends { fetch: infer Fetch } ? Fetch : never;

/**
 * How an `OpenAIModel` reaches its server: options of the official SDK's client, with the same names. Other options of
 * the client are passed on too. TypeScript does not accept them here: make the client yourself and give it as `client`.
 */
export interface OpenAIModelOptions {
  /**
   * The key, or a function that returns it for each request. It is not read from the environment. Absent: the
   * constructor throws `INVALID_CONFIG`. For a server that needs no key, give any text.
   */
  apiKey?: string | (() => Promise<string>) | null | undefined;
  /** The http or https URL of the API. Default: OpenAI's; the variable `OPENAI_BASE_URL` has no effect. */
  baseURL?: string | null | undefined;
  /** The OpenAI organization that requests belong to. Default: that of the key. */
  organization?: string | null | undefined;
  /** The OpenAI project that requests belong to. Default: that of the key. */
  project?: string | null | undefined;
  /**
   * How often a request is repeated if it failed before its answer began: refused, timed out, or with status 408, 409,
   * 429 or 5xx. Default 2.
   */
  maxRetries?: number | undefined;
  /**
   * Milliseconds within which the server must begin to answer, for each attempt. Default 10 minutes. The answer itself
   * may take longer; only an abort limits it.
   */
  timeout?: number | undefined;
  /** Headers of every request; `null` removes one of the SDK's. Default: none. */
  defaultHeaders?: Record<string, string | null | undefined> | undefined;
  /** Query parameters of every request. Default: none. */
  defaultQuery?: Record<string, string | undefined> | undefined;
  /** The function that sends requests. Default: the global `fetch`. */
  fetch?: GlobalFetch | undefined;
  /** Options passed to `fetch` with each request, such as a `dispatcher` for a proxy. Default: none. */
  fetchOptions?: object | undefined;
  /**
   * An existing client of the SDK (`OpenAI`, `AzureOpenAI`), used unchanged. No other option of the client may be given
   * with it. Default: a client made from the options.
   */
  client?: OpenAIClient | undefined;
  /**
   * Request the token usage (`stream_options`). A server that refuses this is asked again without. Default `true`.
   */
  includeUsage?: boolean | undefined;
  /**
   * For servers and templates that insist on turns: neighbours of one role are joined in requests, a user's message
   * comes first, and an answer before each further one. Default: `true` if `baseURL` or the model has the name of
   * Mistral or of one of its models, otherwise `false`.
   */
  alternate?: boolean | undefined;
  /**
   * Send back what this server and model added to earlier answers: their reasoning in turns with calls, and fields that
   * this library does not know. Default `true`; `false` for servers that refuse their own fields.
   */
  sendBack?: boolean | undefined;
  /**
   * Accept an answer without `finish_reason` if the stream has its end mark, `[DONE]`. Default `false`: such an answer
   * counts as broken off.
   */
  acceptEndMark?: boolean | undefined;
}

/** What `OpenAIModel` needs of a client. All clients of the SDK have it. */
export interface OpenAIClient {
  /** The address of its server. Absent: what the server adds to its answers is kept, but only its model is compared. */
  baseURL?: string | undefined;
  /** The API of Chat Completions. */
  chat: {
    /** Its method `create`, which `OpenAIModel` calls. */
    completions: {
      /** Sends a request. With `stream: true`, it resolves to an async iterable of chunks. */
      create(body: object, options?: { signal?: AbortSignal }): PromiseLike<unknown>;
    };
  };
}

/** The options that replace an API key in the SDK's client. */
const otherCredentials: readonly string[] = ["adminAPIKey", "workloadIdentity", "credential", "provider"];

/**
 * Throws `INVALID_CONFIG` if the API key is missing or an option is invalid. The error never quotes the value of an
 * option.
 */
export function checkOpenAIOptions(options: OpenAIModelOptions): void {
  check(typeof options === "object" && options !== null, "The options of an OpenAI model must be an object.");
  const { client } = options;
  checkSwitches(options);
  const given = Object.entries(clientOptions(options)).flatMap(([name, value]) =>
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
    "`maxRetries` of the OpenAI model must be a non-negative integer.",
  );
  check(
    Number.isFinite(timeout) && timeout > 0,
    "`timeout` of the OpenAI model must be a positive number of milliseconds.",
  );
}

/** The switches of an OpenAI model that are not options of the client. */
const switches = ["includeUsage", "alternate", "sendBack", "acceptEndMark"] as const;

/** The options of the SDK's client. */
export function clientOptions(
  options: OpenAIModelOptions,
): Omit<OpenAIModelOptions, "client" | (typeof switches)[number]> {
  const { client: _0, includeUsage: _1, alternate: _2, sendBack: _3, acceptEndMark: _4, ...others } = options;
  return others;
}

function checkSwitches(options: OpenAIModelOptions): void {
  for (const name of switches) {
    const value: unknown = options[name];
    check(value === undefined || typeof value === "boolean", `\`${name}\` of the OpenAI model must be true or false.`);
  }
}

function checkApiKey(apiKey: OpenAIModelOptions["apiKey"], given: readonly string[]): void {
  if (typeof apiKey === "function") return;
  const present = apiKey !== undefined && apiKey !== null && apiKey !== "";
  check(
    present || otherCredentials.some((name) => given.includes(name)),
    "The OpenAI model has no API key.",
    "Pass one as `apiKey`, from process.env.OPENAI_API_KEY for example. A server that needs none accepts any text.",
  );
  // Otherwise `fetch` refuses the header, and its error quotes the key.
  check(
    !present || (typeof apiKey === "string" && /^[\x21-\x7e]+$/.test(apiKey)),
    "The API key of the OpenAI model must be text of printable ASCII characters without spaces.",
    "Check that it was read completely, without quotes or line breaks.",
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
