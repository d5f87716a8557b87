import { once } from "node:events";
import net from "node:net";
import { isPush, RespStream, wordsOf } from "./resp.ts";

/**
 * What becomes of a command:
 *  - `"pass"`: it is sent on, and its reply comes back;
 *  - `"dropReply"`: the server gets it, the client loses its connection instead of the reply;
 *  - `"dropRequest"`: the client loses its connection, the server gets nothing;
 *  - `"hold"`: as `"dropRequest"`, but the server gets it later, when the held ones are released, on the connection on which it
 *    was sent: there it is logged in, and in its database;
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

/** Brings a held command to the server; resolves when it has answered. */
type Delivery = () => Promise<void>;

/**
 * A way to a server on which commands and replies get lost, and are counted. Of the commands, those of publishing and subscribing and
 * `CLIENT REPLY` are not understood: it takes each command to have one reply.
 */
export class LossyProxy implements AsyncDisposable {
  /** Decides about every command from now on. */
  rule: Rule = () => "pass";
  readonly #target: { host: string; port: number };
  readonly #listener: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #clients = new Set<net.Socket>();
  #held: Delivery[] = [];
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

  /** The held commands reach the server now, one after the other; resolves when it has answered all of them. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) await deliver();
  }

  /** Cuts the connections of all clients that there are; new ones can be made. Held commands stay. */
  cut(): void {
    for (const client of this.#clients) client.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#listener.listening) return;
    this.#listener.close();
    await once(this.#listener, "close");
  }

  #connect(client: net.Socket): void {
    const server = net.connect(this.#target);
    this.#track(client).#track(server);
    this.#clients.add(client);
    const requests = new RespStream();
    const replies = new RespStream();
    // What is to be done with the replies that are still to come, in order.
    const expected: ((reply: Buffer) => void)[] = [];
    let isOver = false;
    let holds = false;
    const end = (): void => {
      isOver = true;
      client.destroy();
      if (!holds) server.destroy();
    };
    const pass = (reply: Buffer): void => {
      if (isOver) return;
      this.#counts.received += reply.length;
      client.write(reply);
    };
    const deliver = async (request: Buffer): Promise<void> => {
      if (server.destroyed) throw new Error("The server has closed the connection of a held command.");
      await new Promise<void>((resolve, reject) => {
        server.once("close", () => reject(new Error("The server did not answer a held command.")));
        expected.push(() => resolve());
        server.write(request);
      });
      server.destroy();
    };
    const act = (request: Buffer, action: Action): void => {
      switch (action) {
        case "pass":
        case "dropReply":
          expected.push(action === "pass" ? pass : end);
          server.write(request);
          break;
        case "hold":
          holds = true;
          this.#held.push(() => deliver(request));
          end();
          break;
        case "dropRequest":
          end();
          break;
        case "swallow":
          isOver = true;
      }
    };
    client.on("close", () => this.#clients.delete(client));
    client.on("close", end).on("error", end);
    server.on("close", () => client.destroy()).on("error", end);
    client.on("data", (piece) => {
      this.#counts.sent += piece.length;
      for (const request of requests.take(piece)) {
        if (isOver) return;
        const words = wordsOf(request);
        const name = words[0]?.toUpperCase() ?? "";
        this.#counts.commands[name] = (this.#counts.commands[name] ?? 0) + 1;
        act(request, this.rule(words));
      }
    });
    server.on("data", (piece) => {
      for (const reply of replies.take(piece)) {
        if (isPush(reply)) pass(reply);
        else expected.shift()?.(reply);
      }
    });
  }

  #track(socket: net.Socket): this {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("close", () => this.#sockets.delete(socket));
    return this;
  }
}

/** A proxy that listens on a free port of loopback. */
export async function startProxy(target: { host: string; port: number }): Promise<LossyProxy> {
  const proxy = new LossyProxy(target);
  await proxy.listen();
  return proxy;
}
