import { MemoryError } from "../../contract/memory-error.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "../chat-model.ts";
import { checkOpenAIOptions, type OpenAIClient, type OpenAIModelOptions } from "./options.ts";
import type { OpenAIRequests } from "./requests.ts";

export type { OpenAIClient, OpenAIModelOptions };

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
  #requests: OpenAIRequests | undefined;

  constructor(model: string, options: OpenAIModelOptions) {
    if (typeof model !== "string" || model === "") {
      throw new MemoryError("INVALID_CONFIG", "The model's name must be a non-empty string.");
    }
    checkOpenAIOptions(options);
    this.#model = model;
    this.#options = { ...options };
  }

  async *generate(request: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
    request.signal.throwIfAborted();
    const { OpenAIRequests } = await import("../../lazy-chunk.ts");
    this.#requests ??= new OpenAIRequests(this.#model, this.#options);
    yield* this.#requests.send(request);
  }
}
