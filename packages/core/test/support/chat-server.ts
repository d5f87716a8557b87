import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** What the server does with one request. */
export type Script = (response: ServerResponse) => void | Promise<void>;

export interface ChatRequest {
  body: Record<string, unknown>;
  headers: IncomingHttpHeaders;
}

/** A server on loopback that answers each request by the next script, and the last one from then on. */
export class ChatServer {
  readonly requests: ChatRequest[] = [];
  readonly #server: Server;
  readonly #scripts: Script[];

  private constructor(scripts: Script[]) {
    this.#scripts = scripts;
    this.#server = createServer((request, response) => {
      void json(request).then(async (body) => {
        this.requests.push({ body: body as Record<string, unknown>, headers: request.headers });
        await (this.#scripts.length > 1 ? this.#scripts.shift() : this.#scripts[0])?.(response);
      });
    });
  }

  static async start(...scripts: Script[]): Promise<ChatServer> {
    const server = new ChatServer(scripts);
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
}

/** Streams the chunks and ends with `[DONE]`, as servers with OpenAI's protocol do. */
export function streams(...chunks: object[]): Script {
  return (response) => {
    begin(response);
    for (const chunk of chunks) send(response, chunk);
    response.end("data: [DONE]\n\n");
  };
}

export function fails(status: number, message: string, headers: Record<string, string> = {}): Script {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message, type: "test" } }));
  };
}

export function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
}

export function send(response: ServerResponse, chunk: object): void {
  response.write(`data: ${JSON.stringify(chunk)}\n\n`);
}

/** A chunk with this delta. */
export function delta(delta: object, finishReason: string | null = null): object {
  return { id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finishReason }] };
}

export function finish(reason = "stop"): object {
  return delta({}, reason);
}
