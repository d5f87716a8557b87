import { once } from "node:events";
import net from "node:net";
import { RespStream, wordsOf } from "./resp.ts";

/**
 * What becomes of a command:
 *  - `"pass"`: it is sent on, and its reply comes back;
 *  - `"dropReply"`: the server gets it, the client loses its connection instead of the reply;
 *  - `"dropRequest"`: the client loses its connection, the server gets nothing;
 *  - `"hold"`: as `"dropRequest"`, but the server gets it later, when the held ones are released;
 *  - `"swallow"`: nothing happens, and goes on happening on this connection.
 */
export type Action = "pass" | "dropReply" | "dropRequest" | "hold" | "swallow";

/** Decides about each command, given its words. */
export type Rule = (command: readonly string[]) => Action;

/** What went through, connecting and greeting included. */
export interface Counts {
  /** Bytes from clients to the server. */
  sent: number;
  /** Bytes from the server to clients. */
  received: number;
  /** How often each command came, by its name in capitals. */
  commands: Record<string, number>;
}

/** A way to a server on which commands and replies get lost, and are counted. */
export class LossyProxy implements AsyncDisposable {
  /** Decides about every command from now on. */
  rule: Rule = () => "pass";
  readonly #target: { host: string; port: number };
  readonly #listener: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #held: Buffer[] = [];
  #counts: Counts = { sent: 0, received: 0, commands: {} };

  constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#listener = net.createServer((client) => this.#connect(client));
  }

  get port(): number {
    const address = this.#listener.address();
    if (address === null || typeof address === "string") throw new Error("The proxy does not listen.");
    return address.port;
  }

  /** `"127.0.0.1:port"`. */
  get addr(): string {
    return `127.0.0.1:${this.port}`;
  }

  get counts(): Counts {
    return { ...this.#counts, commands: { ...this.#counts.commands } };
  }

  /** How many commands are held. */
  get held(): number {
    return this.#held.length;
  }

  resetCounts(): void {
    this.#counts = { sent: 0, received: 0, commands: {} };
  }

  async listen(): Promise<void> {
    this.#listener.listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
  }

  /** The held commands reach the server now, in order; resolves when it has answered all of them. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    if (held.length === 0) return;
    const server = this.#toServer();
    const stream = new RespStream();
    let answered = 0;
    const done = new Promise<void>((resolve, reject) => {
      server.on("error", reject);
      server.on("data", (piece) => {
        answered += stream.take(piece).length;
        if (answered >= held.length) resolve();
      });
    });
    server.write(Buffer.concat(held));
    await done;
    server.destroy();
  }

  /** Cuts all connections that there are; new ones can be made. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #connect(client: net.Socket): void {
    const server = this.#toServer();
    this.#track(client);
    const requests = new RespStream();
    const replies = new RespStream();
    // What is to be done with the replies that are still to come, in order.
    const expected: ("pass" | "drop")[] = [];
    let deaf = false;
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    client.on("close", end).on("error", end);
    server.on("close", end).on("error", end);
    client.on("data", (piece) => {
      this.#counts.sent += piece.length;
      for (const request of requests.take(piece)) {
        if (deaf) return;
        const words = wordsOf(request);
        const name = words[0]?.toUpperCase() ?? "";
        this.#counts.commands[name] = (this.#counts.commands[name] ?? 0) + 1;
        const action = this.rule(words);
        if (action === "pass" || action === "dropReply") {
          expected.push(action === "pass" ? "pass" : "drop");
          server.write(request);
          continue;
        }
        if (action === "hold") this.#held.push(request);
        deaf = true;
        if (action !== "swallow") end();
        return;
      }
    });
    server.on("data", (piece) => {
      for (const reply of replies.take(piece)) {
        if (expected.shift() === "drop") return end();
        this.#counts.received += reply.length;
        client.write(reply);
      }
    });
  }

  #toServer(): net.Socket {
    const server = net.connect(this.#target);
    this.#track(server);
    return server;
  }

  #track(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}

/** A proxy that listens on a free port of loopback. */
export async function startProxy(target: { host: string; port: number }): Promise<LossyProxy> {
  const proxy = new LossyProxy(target);
  await proxy.listen();
  return proxy;
}
