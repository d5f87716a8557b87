import { once } from "node:events";
import net from "node:net";
import { isPush, RespStream, wordsOf } from "./resp.ts";

/**
 * What the proxy does with a command:
 *  - `"pass"`: it is sent on, and its reply comes back;
 *  - `"dropReply"`: the server gets the command, and the client loses its connection instead of getting the reply;
 *  - `"dropRequest"`: the client loses its connection, and the server gets nothing;
 *  - `"hold"`: as `"dropRequest"`, but the server gets the command later, when the held ones are released. It comes on
 *    the connection on which it was sent, which is logged in and has its database selected;
 *  - `"swallow"`: the command is ignored, and so is everything that follows on this connection.
 */
export type Action = "pass" | "dropReply" | "dropRequest" | "hold" | "swallow";

/** Decides about each command, given its words. */
export type Rule = (command: readonly string[]) => Action;

/** What went through the proxy, including the commands with which clients connect. */
export interface Counts {
  /** Bytes from clients to the server. */
  sent: number;
  /** Bytes from the server to clients. */
  received: number;
  /** How often each command came. The keys are names in capitals. */
  commands: Record<string, number>;
}

/** Sends a held command to the server, and resolves when the server has answered. */
type Delivery = () => Promise<void>;

/**
 * A proxy that counts commands and replies, and loses some of them. It assumes that each command has one reply, so it
 * cannot handle `CLIENT REPLY` and the commands that publish and subscribe.
 */
export class LossyProxy implements AsyncDisposable {
  /** Decides about every command from now on. */
  rule: Rule = () => "pass";
  /**
   * Decides which commands the proxy refuses by itself, as proxies do that know only some commands: the client gets
   * this error, and the server nothing. `undefined`: the rule decides.
   */
  refusal: (command: readonly string[]) => string | undefined = () => undefined;
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
    if (address === null || typeof address === "string")
      throw new Error("The proxy is not listening: call `listen` first.");
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

  /** How many clients are connected. */
  get clients(): number {
    return this.#clients.size;
  }

  resetCounts(): void {
    this.#counts = { sent: 0, received: 0, commands: {} };
  }

  async listen(): Promise<void> {
    this.#listener.listen(0, "127.0.0.1");
    await once(this.#listener, "listening");
  }

  /** Sends the held commands to the server, one after another. Resolves when the server has answered all of them. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) await deliver();
  }

  /** Cuts the connections of all present clients. New connections can be made. Held commands stay. */
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
    // What to do with each outstanding reply, in order.
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
    const refuse = (error: string): void => {
      // Replies keep their order: this one comes in the place of another one.
      expected.push(() => pass(Buffer.from(`-${error}\r\n`)));
      server.write("PING\r\n");
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
        const error = this.refusal(words);
        if (error === undefined) act(request, this.rule(words));
        else refuse(error);
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
