import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { begin, delta } from "./chat-server.ts";

/** A message of a request, as it arrives. */
export interface SentMessage {
  role: string;
  content?: unknown;
  name?: unknown;
  tool_call_id?: unknown;
  tool_calls?: SentCall[];
  [field: string]: unknown;
}

/** A call of a tool in a request. */
export interface SentCall {
  id: string;
  type: string;
  function: { name: string; arguments: string };
  [field: string]: unknown;
}

/** The body of a request. */
export interface ChatBody {
  model: string;
  messages: SentMessage[];
  tools?: { type: string; function: { name: string; parameters: Record<string, unknown> } }[];
  stream?: boolean;
  [field: string]: unknown;
}

/** A call that a server is to make. */
export interface PlannedCall {
  name: string;
  arguments: object;
}

/** Thrown by a provider that refuses a request. */
export class Refusal extends Error {
  /** The field that is wrong, such as `messages[2].content`. */
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

/** What is peculiar to one provider: what it insists on, and how it answers. */
export interface Provider {
  /** Its answers begin with this name. */
  name: string;
  /** Throws a {@link Refusal} for what the provider does not accept. */
  check(body: ChatBody): void;
  /** The body of the answer to a request that was refused. */
  error(refusal: Refusal): unknown;
  /** The chunks of an answer that calls tools. */
  call(calls: readonly PlannedCall[], answer: number): object[];
  /** The chunks of an answer in words. */
  say(text: string, answer: number): object[];
  /** The status of an answer to a request that was refused. Default 400. */
  status?: number;
  /** Lines between the chunks, such as comments. Default: none. */
  between?: string;
}

/** The size of the pieces in which answers are sent, in bytes. It splits characters of several bytes. */
const PIECE = 61;

/**
 * A server on loopback that refuses what one provider refuses. It calls tools in every turn: one or two at a time, and
 * in every third turn in two rounds. Its answer in words then repeats what the tools returned.
 */
export class InsistingServer implements AsyncDisposable {
  /** The bodies of all requests. */
  readonly requests: ChatBody[] = [];
  /** Why requests were refused. */
  readonly refusals: string[] = [];
  readonly #provider: Provider;
  readonly #server: Server;
  #answers = 0;
  #turns = 0;

  private constructor(provider: Provider) {
    this.#provider = provider;
    this.#server = createServer((request, response) => {
      void json(request).then((body) => this.#answer(body as ChatBody, response));
    });
  }

  static async start(provider: Provider): Promise<InsistingServer> {
    const server = new InsistingServer(provider);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(body: ChatBody, response: ServerResponse): void {
    this.requests.push(body);
    try {
      if (body.stream !== true) throw new Refusal("stream", "the test asks for streams only");
      this.#provider.check(body);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal("messages", String(error));
      this.refusals.push(`${refusal.field}: ${refusal.message}`);
      response.writeHead(this.#provider.status ?? 400, { "content-type": "application/json" });
      response.end(JSON.stringify(this.#provider.error(refusal)));
      return;
    }
    this.#stream(response, this.#chunks(body));
  }

  #chunks({ messages }: ChatBody): object[] {
    const turn = messages.slice(messages.findLastIndex(({ role }) => role === "user"));
    const rounds = turn.filter(({ tool_calls }) => tool_calls !== undefined).length;
    const answer = this.#answers++;
    if (rounds === 0) {
      const city = (name: string): PlannedCall => ({ name: "weather", arguments: { city: name } });
      const calls = [city("Örebro 🌦"), ...(this.#turns % 2 === 1 ? [city("Lisbon")] : [])];
      return this.#provider.call(calls, answer);
    }
    if (rounds === 1 && this.#turns % 3 === 2) return this.#provider.call([{ name: "clock", arguments: {} }], answer);
    const results = turn.filter(({ role }) => role === "tool").map(({ content }) => wordsOf(content));
    return this.#provider.say(`${this.#provider.name}, turn ${++this.#turns}: ${results.join(" · ")}`, answer);
  }

  #stream(response: ServerResponse, chunks: readonly object[]): void {
    const { between = "" } = this.#provider;
    const lines = chunks.map((chunk) => `${between}data: ${JSON.stringify(chunk)}\n\n`);
    const bytes = Buffer.from(`${lines.join("")}data: [DONE]\n\n`);
    begin(response);
    for (let start = 0; start < bytes.length; start += PIECE) response.write(bytes.subarray(start, start + PIECE));
    response.end();
  }
}

/** The text of a content, whether it is text or parts. */
export function wordsOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("");
}

/** The text cut into pieces of a few characters each, never within a character. */
export function inPieces(text: string): string[] {
  return text.match(/.{1,7}/gsu) ?? [];
}

/** The chunks of a text that is streamed in pieces. */
export function textChunks(text: string, field = "content"): object[] {
  return inPieces(text).map((piece) => delta({ [field]: piece }));
}

/** The chunks of calls as OpenAI streams them: one after another, the arguments in pieces. */
export function callChunks(calls: readonly PlannedCall[], idOf: (index: number) => string): object[] {
  return calls.flatMap(({ name, arguments: args }, index) => [
    delta({ tool_calls: [{ index, id: idOf(index), type: "function", function: { name, arguments: "" } }] }),
    ...inPieces(JSON.stringify(args)).map((piece) =>
      delta({ tool_calls: [{ index, function: { arguments: piece } }] }),
    ),
  ]);
}
