import { MemoryError } from "../../contract/memory-error.ts";
import { customHeaders, fromEnvironment, type VariableOption, variables } from "./environment.ts";

/** The type of the global `fetch`, where the compiler knows one. */
type GlobalFetch = typeof globalThis extends { fetch: infer Fetch } ? Fetch : never;

/**
 * How an `OpenAIModel` reaches its server: options of the official SDK's client, with the same names. Other options of
 * the client are passed on too. TypeScript does not accept them here: make the client yourself and give it as `client`.
 *
 * As in the SDK, an absent option that has a variable is read from the environment, when the model is made. `null` says
 * that there is no value, whatever the environment holds. A variable that is blank counts as absent.
 */
export interface OpenAIModelOptions {
  /**
   * The key, or a function that returns it for each request. Default: `OPENAI_API_KEY`. Without either, the constructor
   * throws `INVALID_CONFIG`. For a server that needs no key, give any text.
   */
  apiKey?: string | (() => Promise<string>) | null | undefined;
  /**
   * The http or https URL of the API, without a query: that is `defaultQuery`. Default: `OPENAI_BASE_URL`, otherwise
   * OpenAI's.
   */
  baseURL?: string | null | undefined;
  /** The OpenAI organization that requests belong to. Default: `OPENAI_ORG_ID`, otherwise that of the key. */
  organization?: string | null | undefined;
  /** The OpenAI project that requests belong to. Default: `OPENAI_PROJECT_ID`, otherwise that of the key. */
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

/** The options that replace an API key in the SDK's client. An admin key is not one: it cannot ask a model. */
const otherCredentials: readonly string[] = ["workloadIdentity", "credential", "provider"];

/**
 * A copy of the options with what the environment says about absent ones. Throws `INVALID_CONFIG` if the API key is
 * missing, or if an option or a variable is invalid. The error names it, and never quotes its value.
 */
export function completeOpenAIOptions(options: OpenAIModelOptions): OpenAIModelOptions {
  check(typeof options === "object" && options !== null, "The options of an OpenAI model must be an object.");
  checkSwitches(options);
  if (options.client !== undefined) {
    checkClient(options);
    return { ...options };
  }
  const environment = fromEnvironment(options);
  const complete = { ...options, ...environment };
  const nameOf = (option: VariableOption): string =>
    environment[option] === undefined ? `\`${option}\` of the OpenAI model` : `The variable ${variables[option]}`;
  checkApiKey(complete, nameOf("apiKey"));
  checkBaseUrl(complete.baseURL, nameOf("baseURL"));
  for (const option of ["organization", "project"] as const) {
    const value = complete[option] ?? "";
    check(isHeader("x", value), `${nameOf(option)} must be text that a header can hold.`, unquotedHint);
  }
  checkHeaders(options);
  checkNumbers(options);
  return complete;
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

function checkClient(options: OpenAIModelOptions): void {
  const { client } = options;
  const given = Object.entries(clientOptions(options)).flatMap(([name, value]) =>
    (value ?? null) === null ? [] : [name],
  );
  check(
    given.length === 0,
    `The OpenAI model has a \`client\`, so ${given.join(", ")} would be ignored.`,
    "Give these options to the client when you make it.",
  );
  check(
    typeof client?.chat?.completions?.create === "function",
    "The `client` of the OpenAI model is not a client of the SDK.",
  );
}

const unquotedHint = "Check that it was read completely, without quotes or line breaks.";

function checkApiKey(options: OpenAIModelOptions, name: string): void {
  const { apiKey } = options;
  if (typeof apiKey === "function") return;
  if (apiKey === undefined || apiKey === null || apiKey === "") {
    const given: Readonly<Record<string, unknown>> = { ...options };
    check(
      otherCredentials.some((other) => (given[other] ?? null) !== null),
      "The OpenAI model has no API key.",
      apiKey === undefined
        ? "Set the variable OPENAI_API_KEY, or pass `apiKey`. A server that needs no key accepts any text."
        : "Pass it as `apiKey`, or leave `apiKey` out to use the variable OPENAI_API_KEY.",
    );
    return;
  }
  // Otherwise `fetch` refuses the header, and its error quotes the key.
  check(
    typeof apiKey === "string" && /^[\x21-\x7e]+$/.test(apiKey),
    `${name} must be text of printable ASCII characters without spaces.`,
    unquotedHint,
  );
}

function checkBaseUrl(baseURL: string | null | undefined, name: string): void {
  if (baseURL === undefined || baseURL === null) return;
  // The SDK appends to the text itself, so white space that a URL would lose is not accepted either.
  const url = typeof baseURL === "string" && !/\s/.test(baseURL) ? URL.parse(baseURL) : null;
  check(
    url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "",
    `${name} must be an http or https URL without a user name or password.`,
    'Write it as "https://api.example.com/v1".',
  );
  check(
    !/[?#]/.test(baseURL),
    `${name} must not have a query or a fragment.`,
    "Pass the parameters of the query as `defaultQuery`.",
  );
}

function checkHeaders(options: OpenAIModelOptions): void {
  check(
    customHeaders(options).every(([name, value]) => isHeader(name, value)),
    "The variable OPENAI_CUSTOM_HEADERS has an invalid header.",
    'Write each header in a line of its own, as "name: value".',
  );
  const { defaultHeaders } = options;
  // The SDK also takes other collections of headers, such as a `Headers`.
  if (typeof defaultHeaders !== "object" || defaultHeaders === null || Symbol.iterator in defaultHeaders) return;
  for (const [name, values] of Object.entries(defaultHeaders)) {
    check(
      [values].flat().every((value) => isHeader(name, value ?? "")),
      "`defaultHeaders` of the OpenAI model has an invalid header.",
      "Check their names, and that their values have no line breaks.",
    );
  }
}

/** Whether `fetch` accepts the header. If not, its own error would quote the value. */
function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

function checkNumbers({ maxRetries = 0, timeout = 1 }: OpenAIModelOptions): void {
  check(
    Number.isSafeInteger(maxRetries) && maxRetries >= 0,
    "`maxRetries` of the OpenAI model must be a non-negative integer.",
  );
  check(
    Number.isFinite(timeout) && timeout > 0,
    "`timeout` of the OpenAI model must be a positive number of milliseconds.",
  );
}

function check(valid: boolean, problem: string, hint?: string): void {
  if (!valid) throw new MemoryError("INVALID_CONFIG", problem, { hint });
}
