import { createServer, type Server, type Socket } from "node:net";
import { InMemoryBackend } from "@deep-agent/in-memory";
import { carried } from "../../../src/elsewhere/carried-error.ts";
import type { KitRecord } from "../../../src/kit-records.ts";
import { onLines } from "./lines.ts";
import type { StoreReply, StoreRequest } from "./store-client.ts";

/** Where a store is, for every process of this machine. */
export interface StoreAddress {
  readonly port: number;
  readonly store: number;
}

/**
 * Stores that several processes may use, over TCP on loopback: a small database. Each call of a client is atomic. It
 * does not keep its process alive.
 */
class StoreServer {
  readonly #stores: InMemoryBackend<KitRecord>[] = [];
  #listening: Promise<number> | undefined;

  /** A new, empty store. `ttl`: the time to live of its memories, in ms. */
  async newStore(ttl: number | null): Promise<StoreAddress> {
    this.#listening ??= listening(createServer((socket) => this.#serve(socket)).unref());
    this.#stores.push(new InMemoryBackend<KitRecord>({ ttl }));
    return { port: await this.#listening, store: this.#stores.length - 1 };
  }

  #serve(socket: Socket): void {
    socket.setNoDelay().unref();
    // A client that was killed resets its connection.
    socket.on("error", () => undefined);
    const write = (reply: StoreReply): void => void socket.write(`${JSON.stringify(reply)}\n`);
    const serve = async (line: string): Promise<void> => {
      const { id, store, method, args } = JSON.parse(line) as StoreRequest; // only clients connect
      const memories = this.#stores[store] as unknown as Record<string, (...values: unknown[]) => Promise<unknown>>;
      try {
        write({ id, answer: await memories[method]?.(...args) });
      } catch (error) {
        write({ id, error: carried(error) });
      }
    };
    onLines(socket, (line) => void serve(line));
  }
}

/** All stores of this process. */
export const storeServer: StoreServer = new StoreServer();

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address === "object" && address !== null) resolve(address.port);
    });
  });
}
