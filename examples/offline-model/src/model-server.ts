import { type ChatCompletionRequest, LLMock } from "@copilotkit/aimock";

/** What the model says to one request. */
export type Answer =
  | { text: string | null; toolCalls?: readonly AnsweredCall[] }
  /** The request is refused, with HTTP status 400. */
  | { refused: string };

interface AnsweredCall {
  id: string;
  name: string;
  arguments: string;
}

/** A model that listens on this machine. Its first three properties are what `Agent.openAI` needs. */
export interface ModelServer extends AsyncDisposable {
  model: string;
  apiKey: string;
  baseURL: string;
  close(): Promise<void>;
}

export interface ModelServerOptions {
  model: string;
  /** The answer to a request, computed from nothing but the request. */
  answer: (request: ChatCompletionRequest) => Answer;
  /** Milliseconds before each word. */
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

/** The words, each with the space before it: together they are the text. */
function wordsOf(text: string): string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}
