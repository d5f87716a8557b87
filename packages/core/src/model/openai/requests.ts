import { MemoryError } from "../../contract/memory-error.ts";
import type { ModelEvent, ModelRequest } from "../chat-model.ts";
import { connect } from "./client.ts";
import { toOpenAIMessages, toOpenAITools } from "./messages.ts";
import type { OpenAIClient, OpenAIModelOptions } from "./options.ts";
import { eventsOf } from "./stream.ts";

/** Options of a request that only the agent sets. */
const reserved: readonly string[] = ["messages", "tools", "stream", "n"];

/** Requests to one model with one client of the SDK, which is made for the first request. */
export class OpenAIRequests {
  readonly #model: string;
  readonly #options: OpenAIModelOptions;
  #client: Promise<OpenAIClient> | undefined;

  constructor(model: string, options: OpenAIModelOptions) {
    this.#model = model;
    this.#options = options;
  }

  /**
   * The events of one request. Rejects with `INVALID_ARGUMENT` before anything is sent, otherwise with the SDK's error.
   */
  async *send({ messages, tools, signal, options }: ModelRequest): AsyncGenerator<ModelEvent, void, undefined> {
    refuseReserved(options);
    const body = {
      model: this.#model,
      ...(this.#options.includeUsage !== false && { stream_options: { include_usage: true } }),
      ...options,
      messages: toOpenAIMessages(messages),
      // Servers refuse an empty list.
      ...(tools.length > 0 && { tools: toOpenAITools(tools) }),
      stream: true,
    };
    try {
      const client = await this.#connect();
      const chunks = await client.chat.completions.create(body, { signal });
      yield* eventsOf(chunks as AsyncIterable<unknown>); // because of `stream: true`
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
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
