import { MemoryError } from "../../contract/memory-error.ts";
import type { ModelEvent, ModelRequest } from "../chat-model.ts";
import { chunksOf, END, WHOLE } from "./answer-chunks.ts";
import { connect } from "./client.ts";
import type { OpenAIClient, OpenAIModelOptions } from "./options.ts";
import { learned, type Refusals, type RequestBody, withoutRefused } from "./refusals.ts";
import { eventsOf } from "./stream.ts";
import { toOpenAIMessages } from "./to-openai.ts";
import { toOpenAITools } from "./tools.ts";

/** Options of a request that only the agent sets. */
const reserved: readonly string[] = ["messages", "tools", "stream", "n"];

/** How many things a server may refuse in one request before it counts as failed. */
const MAX_REFUSALS = 4;

/** Requests to one model with one client of the SDK, which is made for the first request. */
export class OpenAIRequests {
  readonly #model: string;
  readonly #options: OpenAIModelOptions;
  #client: Promise<OpenAIClient> | undefined;
  #refusals: Refusals;

  constructor(model: string, options: OpenAIModelOptions) {
    this.#model = model;
    this.#options = options;
    this.#refusals = { usage: false, nullContent: false, fields: [] };
  }

  /**
   * The events of one request. Rejects with `INVALID_ARGUMENT` before anything is sent, with `INVALID_ANSWER`, or with
   * the SDK's error.
   */
  async *send(request: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
    refuseReserved(request.options);
    const { signal } = request;
    try {
      const client = await this.#connect();
      const body = this.#bodyOf(request, client);
      const chunks = await this.#chunks(client, body, signal);
      const { acceptEndMark = false } = this.#options;
      yield* eventsOf(chunks, { source: sourceOf(client, body.model), acceptEndMark });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  #bodyOf({ messages, tools, options }: ModelRequest, client: OpenAIClient): RequestBody {
    const { alternate, sendBack } = this.#options;
    const { model: other } = options;
    const model = typeof other === "string" && other !== "" ? other : this.#model;
    const source = sourceOf(client, model);
    const toolNames = tools.map(({ name }) => name);
    return {
      ...(this.#options.includeUsage !== false && { stream_options: { include_usage: true } }),
      ...options,
      model,
      messages: toOpenAIMessages(messages, { source, sendBack, alternate, toolNames }),
      // Servers refuse an empty list.
      ...(tools.length > 0 && { tools: toOpenAITools(tools) }),
      stream: true,
    };
  }

  /** Sends a request, and again without what the server's refusal names, if that can be left out. */
  async #chunks(client: OpenAIClient, body: RequestBody, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
    let refusals = this.#refusals;
    let refused: { error: unknown } | undefined;
    for (let tries = 0; ; tries++) {
      const sent = withoutRefused(body, refusals);
      try {
        const chunks = await answerOf(client.chat.completions.create(sent, { signal }), signal);
        this.#refusals = refusals;
        return chunks;
      } catch (error) {
        refused ??= { error };
        const more = signal.aborted || tries === MAX_REFUSALS ? undefined : learned(error, sent, refusals);
        if (more === undefined) throw refused.error;
        refusals = more;
      }
    }
  }

  async #connect(): Promise<OpenAIClient> {
    this.#client ??= connect(this.#options);
    try {
      return await this.#client;
    } catch (error) {
      this.#client = undefined; // the package may be installed by the next request
      throw error;
    }
  }
}

function refuseReserved(options: Readonly<Record<string, unknown>>): void {
  const names = reserved.filter((name) => name in options);
  if (names.length === 0) return;
  throw new MemoryError("INVALID_ARGUMENT", `The model options must not set ${names.join(", ")}.`, {
    hint: "The agent sets them itself: it sends the conversation and its tools, and streams one answer.",
  });
}

/** Who answers: a server and its model. The address of a client of the user may hold a secret in its query. */
function sourceOf({ baseURL }: OpenAIClient, model: string): string {
  const address = typeof baseURL === "string" ? baseURL.replace(/[?#].*$/s, "").replace(/\/\/[^/@]*@/, "//") : "";
  return `${address} ${model}`;
}

/**
 * The chunks of an answer. The SDK's own reader of streams takes a body that is not a stream for an empty one, and does
 * not say whether a stream was ended by its server. A client that only imitates the SDK gives chunks.
 */
async function answerOf(call: PromiseLike<unknown>, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
  if (isOfSdk(call)) return chunksOf(await call.asResponse(), signal);
  const given = await call;
  return isIterable(given) ? ended(given, END) : ended([given], WHOLE);
}

function isOfSdk(call: object): call is { asResponse(): Promise<Response> } {
  return "asResponse" in call && typeof call.asResponse === "function";
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

async function* ended(chunks: AsyncIterable<unknown> | unknown[], end: symbol): AsyncGenerator<unknown> {
  yield* chunks;
  yield end;
}
