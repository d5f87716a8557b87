import type { ChatModel, ModelEvent, ModelRequest } from "./chat-model.ts";
import { MemoryError } from "./memory-error.ts";
import { toOpenAIMessages, toOpenAITools } from "./openai-messages.ts";
import { checkOpenAIOptions, type OpenAIClient, type OpenAIModelOptions } from "./openai-options.ts";

export type { OpenAIClient, OpenAIModelOptions };

/** Options of a request that are the agent's to set. */
const reserved: readonly string[] = ["messages", "tools", "stream", "n"];

/**
 * A model behind OpenAI's Chat Completions, or any server that speaks them, through the official SDK: the package `openai`,
 * which is loaded at first use.
 *
 * ```ts
 * const model = new OpenAIModel("gpt-4", { apiKey });
 * const local = new OpenAIModel("llama3.3", { baseURL: "http://localhost:11434/v1", apiKey: "none" });
 * ```
 *
 * A request's `options` become properties of its body (`temperature`, `reasoning_effort`, `tool_choice`, another `model`),
 * except `messages`, `tools`, `stream` and `n`, which are refused with `INVALID_ARGUMENT`. Retries and timeouts are the
 * SDK's, and so are the errors of the server and the network. Of the environment, only what the SDK offers no option against is
 * read, by the SDK: `OPENAI_LOG` and `OPENAI_CUSTOM_HEADERS`.
 *
 * The constructor throws `INVALID_CONFIG` where the API key is missing or an option is malformed; the first request does
 * where the package `openai` is not installed.
 */
export class OpenAIModel implements ChatModel {
  readonly #model: string;
  readonly #options: OpenAIModelOptions;
  #client: Promise<OpenAIClient> | undefined;

  constructor(model: string, options: OpenAIModelOptions) {
    if (typeof model !== "string" || model === "") {
      throw new MemoryError("INVALID_CONFIG", "The model's name must be a non-empty string.");
    }
    checkOpenAIOptions(options);
    this.#model = model;
    this.#options = { ...options };
  }

  async *generate({ messages, tools, signal, options }: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
    signal.throwIfAborted();
    refuseReserved(options);
    const body = {
      model: this.#model,
      ...(this.#options.includeUsage !== false && { stream_options: { include_usage: true } }),
      ...options,
      messages: toOpenAIMessages(messages),
      // An empty list is refused.
      ...(tools.length > 0 && { tools: toOpenAITools(tools) }),
      stream: true,
    };
    try {
      const client = await this.#connect();
      const { eventsOf } = await import("./openai-stream.ts");
      const chunks = await client.chat.completions.create(body, { signal });
      yield* eventsOf(chunks as AsyncIterable<unknown>); // what `stream: true` asks for
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    }
  }

  async #connect(): Promise<OpenAIClient> {
    this.#client ??= connected(this.#options);
    try {
      return await this.#client;
    } catch (error) {
      this.#client = undefined; // the package may be there next time
      throw error;
    }
  }
}

/** As the SDK, what belongs to it is loaded at the first request: not everyone talks to a model through it. */
async function connected(options: OpenAIModelOptions): Promise<OpenAIClient> {
  const { connect } = await import("./openai-client.ts");
  return connect(options);
}

function refuseReserved(options: Readonly<Record<string, unknown>>): void {
  const names = reserved.filter((name) => name in options);
  if (names.length === 0) return;
  throw new MemoryError("INVALID_ARGUMENT", `The model options must not set ${names.join(", ")}.`, {
    hint: "The agent sends the conversation and its tools by itself, as a stream of one answer.",
  });
}
