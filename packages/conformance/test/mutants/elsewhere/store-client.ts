import { connect, type Socket } from "node:net";
import { MemoryError } from "@deep-agent/core";
import {
  checkAppend,
  checkCall,
  checkList,
  checkOptions,
  checkRead,
  checkRecent,
  checkSave,
  untilAborted,
} from "@deep-agent/core/adapter";
import { arrived, type CarriedError } from "../../../src/elsewhere/carried-error.ts";
import type { Full } from "../instance.ts";
import { onLines } from "./lines.ts";
import type { StoreAddress } from "./store-server.ts";

export interface StoreRequest {
  readonly id: number;
  readonly store: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface StoreReply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: CarriedError;
}

/** A correct backend on a store of the server. Each call is one request. */
export function clientOf(address: StoreAddress): Full {
  const connection = new Connection(address);
  const call = (method: string, ...args: unknown[]): Promise<never> => {
    const options = (args.at(-1) ?? {}) as { signal?: AbortSignal };
    const { signal, ...others } = options;
    return untilAborted(connection.ask(method, [...args.slice(0, -1), others]) as Promise<never>, signal);
  };
  const close = (): Promise<void> => connection.close();
  return {
    async load(memoryId, options = {}) {
      checkCall(memoryId, options);
      return call("load", memoryId, options);
    },
    async save(memoryId, records, options = {}) {
      checkSave(memoryId, records, options);
      return call("save", memoryId, records, options);
    },
    async delete(memoryId, options = {}) {
      checkCall(memoryId, options);
      return call("delete", memoryId, options);
    },
    async list(options = {}) {
      checkList(options);
      return call("list", options);
    },
    async append(memoryId, records, options = {}) {
      checkAppend(memoryId, records, options);
      return call("append", memoryId, records, options);
    },
    async read(memoryId, options = {}) {
      checkRead(memoryId, options);
      return call("read", memoryId, options);
    },
    async info(memoryId, options = {}) {
      checkCall(memoryId, options);
      return call("info", memoryId, options);
    },
    async recent(options) {
      checkRecent(options);
      return call("recent", options);
    },
    async touch(memoryId, options = {}) {
      checkCall(memoryId, options);
      return call("touch", memoryId, options);
    },
    async ping(options = {}) {
      checkOptions(options);
      return call("ping", options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A connection that is made at the first call. */
class Connection {
  readonly #address: StoreAddress;
  readonly #waiting = new Map<number, (reply: StoreReply) => void>();
  #socket: Socket | undefined;
  #requests = 0;
  #isClosed = false;
  readonly #idle = Promise.withResolvers<void>();

  constructor(address: StoreAddress) {
    this.#address = address;
  }

  async ask(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed) throw new MemoryError("CLOSED", "This backend was closed.");
    const id = this.#requests++;
    const request: StoreRequest = { id, store: this.#address.store, method, args };
    this.#socket ??= this.#connect();
    this.#socket.write(`${JSON.stringify(request)}\n`);
    const { answer, error } = await new Promise<StoreReply>((resolve) => this.#waiting.set(id, resolve));
    this.#waiting.delete(id);
    if (this.#isClosed) this.#end();
    if (error !== undefined) throw arrived(error);
    return answer;
  }

  /** Resolves when the replies to earlier calls have come. */
  close(): Promise<void> {
    this.#isClosed = true;
    this.#end();
    return this.#idle.promise;
  }

  #end(): void {
    if (this.#waiting.size > 0) return;
    this.#socket?.destroy();
    this.#idle.resolve();
  }

  #connect(): Socket {
    const socket = connect(this.#address.port, "127.0.0.1").setNoDelay();
    // A test has a time limit of its own, which keeps its process alive.
    socket.unref();
    onLines(socket, (line) => {
      const reply = JSON.parse(line) as StoreReply; // the server sends nothing else
      this.#waiting.get(reply.id)?.(reply);
    });
    return socket;
  }
}
