import { type ChatCompletionRequest, LLMock } from "@copilotkit/aimock";

/** The model's answer to one request. */
export type Answer =
  | { text: string | null; toolCalls?: readonly AnsweredCall[] }
  /** Why the request is refused, with HTTP status 400. */
  | { refused: string };

interface AnsweredCall {
  id: string;
  name: string;
  arguments: string;
}

/** A model server on this machine. `Agent.openAI` needs the first three properties. */
export interface ModelServer extends AsyncDisposable {
  model: string;
  apiKey: string;
  baseURL: string;
  close(): Promise<void>;
}

export interface ModelServerOptions {
  model: string;
  /** Computes the answer to a request from the request alone. */
  answer: (request: ChatCompletionRequest) => Answer;
  /** The delay before each word, in ms. Default 0. */
  wordMs?: number | undefined;
  /** Default: a free one. */
  port?: number | undefined;
}

/** Starts a server on 127.0.0.1 that speaks OpenAI's Chat Completions and streams word by word. */
export async function serveModel({ model, answer, wordMs = 0, port = 0 }: ModelServerOptions): Promise<ModelServer> {
  // Requests hold whole conversations: no need to keep many.
  const server = new LLMock({ host: "127.0.0.1", port, chunkSize: 10_000, latency: wordMs, journalMaxEntries: 10 });
  server.on({ endpoint: "chat" }, (request) => {
    const said = answer(request);
    if ("refused" in said) return { status: 400, error: { message: said.refused, type: "invalid_request_error" } };
    const words = wordsOf(said.text ?? "").map((text) => ({ type: "text" as const, text }));
    const calls = (said.toolCalls ?? []).map((call) => ({ type: "toolCall" as const, ...call }));
    return words.length + calls.length === 0 ? { content: "" } : { blocks: [...words, ...calls] };
  });
  await server.start();
  const close = (): Promise<void> => server.stop();
  return { model, apiKey: "none-needed", baseURL: `${server.url}/v1`, close, [Symbol.asyncDispose]: close };
}

/** The words, each with the space before it. Joined, they are the text. */
function wordsOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
