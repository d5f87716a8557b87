import { MemoryError } from "../../contract/memory-error.ts";
import type { ChatModel, ModelEvent, ModelRequest } from "../chat-model.ts";
import { completeOpenAIOptions, type OpenAIClient, type OpenAIModelOptions } from "./options.ts";
import type { OpenAIRequests } from "./requests.ts";

export type { OpenAIClient, OpenAIModelOptions };

/**
 * A model of OpenAI's Chat Completions, or of any server with the same protocol. It uses the official SDK, the package
 * `openai`, which is loaded at the first request.
 *
 * ```ts
 * const model = new OpenAIModel("gpt-4");
 * const local = new OpenAIModel("llama3.3", { baseURL: "http://localhost:11434/v1", apiKey: "none" });
 * ```
 *
 * A request's `options` become properties of its body (`temperature`, `reasoning_effort`, `tool_choice`, another
 * `model`), except `messages`, `tools`, `stream` and `n`, which are refused with `INVALID_ARGUMENT`. Retries, timeouts
 * and the errors of the server and the network are the SDK's.
 *
 * The environment means what it means to `new OpenAI()` of the SDK: `OPENAI_API_KEY`, `OPENAI_BASE_URL`,
 * `OPENAI_ORG_ID` and `OPENAI_PROJECT_ID` stand in for absent options, and are read when the model is made.
 * `OPENAI_CUSTOM_HEADERS` and `OPENAI_LOG` are read by the SDK itself at the first request.
 */
export class OpenAIModel implements ChatModel {
  readonly #model: string;
  readonly #options: OpenAIModelOptions;
  #requests: OpenAIRequests | undefined;

  /**
   * Throws `INVALID_CONFIG` if the model has no name, the API key is missing, or an option or a variable of the
   * environment is invalid.
   */
  constructor(model: string, options: OpenAIModelOptions = {}) {
    if (typeof model !== "string" || model === "") {
      throw new MemoryError("INVALID_CONFIG", "The model's name must be a non-empty string.");
    }
    this.#model = model;
    this.#options = completeOpenAIOptions(options);
  }

  /**
   * Sends one request and streams the answer. Rejects with the SDK's error, with `INVALID_CONFIG` if the package
   * `openai` is not installed, with `INVALID_ARGUMENT` for options that the agent sets itself, or with the signal's
   * reason.
   */
  async *generate(request: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
    request.signal.throwIfAborted();
    const { OpenAIRequests } = await import("../../lazy-chunk.ts");
    this.#requests ??= new OpenAIRequests(this.#model, this.#options);
    yield* this.#requests.send(request);
  }
}
