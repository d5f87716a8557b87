import type { IncomingMessage, ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { type ChatCompletionRequest, type ChatMessage, type FixtureOpts, LLMock } from "@copilotkit/aimock";
import { OpenAIModel } from "@deep-agent/core";
import OpenAI from "openai";
import { answerText, callIds, piecesOf, type Question, roundText } from "./question.ts";

/**
 * How the model's server misbehaves. aimock implements the first faults. It lacks the others, which are handwritten.
 */
export type ModelFault = MockedFault | (typeof handwritten)[number];

type MockedFault =
  | "none"
  | "slow"
  | "status 500"
  | "status 429"
  | "429 once, then well"
  | "no JSON"
  | "disconnected"
  | "dropped after a chunk"
  | "dropped after two chunks";

const mocked: Record<MockedFault, FixtureOpts> = {
  none: {},
  slow: { chaos: { latencyMs: 1 } },
  "status 500": { chaos: { dropRate: 1 } },
  "status 429": { chaos: { rateLimitRate: 1 } },
  "429 once, then well": {},
  "no JSON": { chaos: { malformedRate: 1 } },
  disconnected: { chaos: { disconnectRate: 1 } },
  "dropped after a chunk": { truncateAfterChunks: 1 },
  "dropped after two chunks": { truncateAfterChunks: 2 },
};

const handwritten = ["malformed chunk", "error in the stream", "no finish", "hangs"] as const;

export const modelFaults: readonly ModelFault[] = [
  ...(Object.keys(mocked) as MockedFault[]), // the names of a literal
  ...handwritten,
].filter((fault) => fault !== "none");

/** Whether the answer arrives despite the fault. */
export function isHarmless(fault: ModelFault): boolean {
  return fault === "none" || fault === "slow" || fault === "429 once, then well";
}

/** One call of the model. The token tells its requests from those of other calls. */
export interface Attempt {
  token: string;
  question: Question;
  fault: ModelFault;
  /** How many pieces of text come before a handwritten fault. */
  after: number;
  /** Called with each request. */
  received: (messages: readonly ChatMessage[]) => void;
  /** Resolves when the server has sent everything that it will send, and hangs. */
  hung: PromiseWithResolvers<void>;
  requests: number;
}

/** An OpenAI-compatible server on loopback, and clients for it that use the official SDK. */
export class ModelServer {
  readonly #mock: LLMock = new LLMock({ host: "127.0.0.1", port: 0, chunkSize: 10_000, journalMaxEntries: 1 });
  readonly #attempts = new Map<string, Attempt>();
  #models: { mocked: OpenAIModel; retrying: OpenAIModel; handwritten: OpenAIModel } | undefined;

  async start(): Promise<void> {
    // aimock asks this predicate first. It receives the request, and never matches.
    this.#mock.on({ endpoint: "chat", predicate: (request) => this.#receive(request) }, { content: "" });
    for (const [fault, options] of Object.entries(mocked)) {
      const predicate = (request: ChatCompletionRequest): boolean => this.#attemptOf(request)?.fault === fault;
      this.#mock.on({ endpoint: "chat", predicate }, (request) => this.#respond(request), options);
    }
    this.#mock.mount("/raw", { handleRequest: (request, response) => this.#write(request, response) });
    await this.#mock.start();
    const modelAt = (path: string, maxRetries: number): OpenAIModel =>
      new OpenAIModel("model", {
        client: new OpenAI({ apiKey: "none", baseURL: `${this.#mock.url}${path}`, maxRetries, logLevel: "off" }),
      });
    this.#models = { mocked: modelAt("/v1", 0), retrying: modelAt("/v1", 1), handwritten: modelAt("/raw/v1", 0) };
  }

  stop(): Promise<void> {
    return this.#mock.stop();
  }

  /** The model to be called for this attempt, with its token as `user`. */
  modelFor(attempt: Attempt): OpenAIModel {
    if (this.#models === undefined) throw new Error("The model server was not started.");
    this.#attempts.set(attempt.token, attempt);
    if (attempt.fault === "429 once, then well") return this.#models.retrying;
    return handwritten.some((fault) => fault === attempt.fault) ? this.#models.handwritten : this.#models.mocked;
  }

  forget({ token }: Attempt): void {
    this.#attempts.delete(token);
  }

  #attemptOf(request: ChatCompletionRequest): Attempt | undefined {
    return this.#attempts.get(String(request["user"]));
  }

  #receive(request: ChatCompletionRequest): false {
    this.#attemptOf(request)?.received(request.messages);
    return false;
  }

  #respond(request: ChatCompletionRequest) {
    const attempt = this.#attemptOf(request);
    if (attempt === undefined) throw new Error("A request does not belong to any attempt.");
    attempt.requests += 1;
    if (attempt.fault === "429 once, then well" && attempt.requests === 1) {
      return { status: 429, error: { message: "slow down" }, retryAfter: 0.001 };
    }
    const { text, calls } = sayingTo(attempt.question, request.messages);
    return {
      blocks: [
        ...piecesOf(text ?? "").map((piece) => ({ type: "text" as const, text: piece })),
        ...calls.map((id) => ({ type: "toolCall" as const, id, name: "look", arguments: "{}" })),
      ],
    };
  }

  async #write(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const body = (await json(request)) as ChatCompletionRequest; // the SDK wrote it
    const attempt = this.#attemptOf(body);
    if (attempt === undefined) throw new Error("A request does not belong to any attempt.");
    attempt.received(body.messages);
    const { fault, question, after } = attempt;
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const content of piecesOf(answerText(question)).slice(0, after)) {
      response.write(
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`,
      );
    }
    if (fault === "malformed chunk") response.end('data: {"choices":[{"delta":{"con\n\ndata: [DONE]\n\n');
    if (fault === "error in the stream") response.end('data: {"error":{"message":"overloaded"}}\n\n');
    if (fault === "no finish") response.end("data: [DONE]\n\n");
    if (fault === "hangs") {
      response.flushHeaders();
      attempt.hung.resolve();
    }
    return true;
  }
}

/** What the model says next: a round of tool calls, or the answer. */
function sayingTo(question: Question, messages: readonly ChatMessage[]): { text: string | null; calls: string[] } {
  const begin = messages.findLastIndex(({ role }) => role === "user");
  const round = messages.slice(begin).filter(({ role }) => role === "assistant").length;
  if (round >= question.rounds.length) return { text: answerText(question), calls: [] };
  return { text: roundText(question, round), calls: callIds(question, round) };
}
