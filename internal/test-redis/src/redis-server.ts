import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { createClient, RESP_TYPES } from "@redis/client";
import type { Engine, RunningServer } from "./engine.ts";
import { findEngine } from "./find-engine.ts";
import { freePort } from "./free-port.ts";
import { configFileOf } from "./server-arguments.ts";

const HOST = "127.0.0.1";

/** How long a server may take to answer its first PING, in ms. */
const START_LIMIT = 20_000;

/** How long a single PING may take, in ms. */
const PING_LIMIT = 2_000;

/** How many free ports are tried: after a port was found free, another program may take it. */
const PORTS_TRIED = 5;

export interface RedisServerOptions {
  /**
   * Further arguments of redis-server, such as `["--maxmemory", "3mb"]`, which win over the defaults. May depend on the
   * port.
   */
  args?: readonly string[] | ((port: number) => readonly string[]);
  /** The password that the arguments set, for this object's own commands. */
  password?: string;
  /** For this object's own commands, if the arguments set up TLS. The server then accepts only TLS. */
  tls?: { ca: string; cert?: string; key?: string };
  /** Whether to wait until the server has read its data too. Default `true`. */
  waitForData?: boolean;
  /** Runs the server. Default: the redis-server of this machine, or Docker if the machine does not have one. */
  engine?: Engine;
}

/** Never connected. Duplicating it is fast, whereas `createClient` builds a class for each new address. */
const anyClient = createClient();

/** How a command is sent. */
export interface Asking {
  /** After how many ms to reject. Default: no limit. */
  limitMs?: number;
  /** Whether strings of the answer are Buffers. Default `false`: they are decoded as UTF-8. */
  inBytes?: boolean;
}

/** A redis-server for one test, on loopback, with a data folder of its own. */
export class RedisServer implements AsyncDisposable {
  readonly host: string = HOST;
  readonly port: number;
  readonly directory: string;
  readonly #engine: Engine;
  readonly #options: RedisServerOptions;
  #running: RunningServer | undefined;
  #isFrozen = false;

  constructor(engine: Engine, port: number, directory: string, options: RedisServerOptions) {
    this.#engine = engine;
    this.port = port;
    this.directory = directory;
    this.#options = options;
  }

  /** `"127.0.0.1:port"`. */
  get addr(): string {
    return `${HOST}:${this.port}`;
  }

  /** `"redis://127.0.0.1:port"`. */
  get url(): string {
    return `redis://${this.addr}`;
  }

  /** The process on this machine: the server, or the client of Docker that waits for it. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Starts the server, and resolves when it answers. Rejects with its output if it does not answer. */
  async start(): Promise<void> {
    if (this.#running?.isAlive()) throw new Error(`The redis-server on port ${this.port} is already running.`);
    const { args = [] } = this.#options;
    // Empty at first. A sentinel and CONFIG REWRITE write to the file, and that must stay.
    await writeFile(configFileOf(this.directory), "", { flag: "a" });
    const running = await this.#engine.start(
      this.port,
      this.directory,
      typeof args === "function" ? args(this.port) : args,
    );
    this.#running = running;
    this.#isFrozen = false;
    const limit = Date.now() + START_LIMIT;
    for (;;) {
      if (!running.isAlive()) break;
      const answer = await this.#firstAnswer();
      if (answer === "PONG" || (answer !== undefined && !/^LOADING/.test(answer))) return;
      if (answer !== undefined && this.#options.waitForData === false) return;
      if (Date.now() > limit) break;
      await pause(20); // between two tries to reach the server
    }
    await running.kill();
    this.#running = undefined;
    throw new Error(`redis-server did not start on port ${this.port}:\n${await running.output()}`);
  }

  /** Sends one command on a connection of its own. */
  command(...words: string[]): Promise<unknown> {
    return this.ask(words);
  }

  /** As `command`, with a time limit, which a frozen server needs, or with strings as bytes. */
  async ask(words: readonly (string | Buffer)[], { limitMs, inBytes = false }: Asking = {}): Promise<unknown> {
    const { password, tls } = this.#options;
    const socket = { host: HOST, port: this.port, reconnectStrategy: false as const };
    const client = anyClient.duplicate({
      socket: tls === undefined ? socket : { ...socket, tls: true, ...tls },
      ...(password !== undefined && { password }),
      ...(inBytes && { commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } }),
      disableClientInfo: true,
      maintNotifications: "disabled",
    });
    client.on("error", () => client.destroy());
    const answer = async (): Promise<unknown> => {
      await client.connect();
      return client.sendCommand([...words]);
    };
    const late = new AbortController();
    try {
      if (limitMs === undefined) return await answer();
      const giveUp = async (): Promise<never> => {
        await pause(limitMs, undefined, { signal: late.signal });
        throw new Error(`${this.addr} did not answer within ${limitMs} ms.`);
      };
      return await Promise.race([answer(), giveUp()]);
    } finally {
      late.abort();
      client.destroy();
    }
  }

  /** Stops all work of the server, with its connections left open, until `thaw`. */
  async freeze(): Promise<void> {
    await this.#process.freeze();
    this.#isFrozen = true;
  }

  async thaw(): Promise<void> {
    await this.#process.thaw();
    this.#isFrozen = false;
  }

  /** Whether `freeze` froze the server, and it was not thawed, restarted or killed since. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Ends the server as a loss of power would: it writes nothing more. */
  async kill(): Promise<void> {
    await this.#process.kill();
    this.#running = undefined;
    this.#isFrozen = false;
  }

  /** Stops the server as an operator does. */
  async stop(): Promise<void> {
    await this.#process.stop();
    this.#running = undefined;
    this.#isFrozen = false;
  }

  /** Stops the server if it runs, and starts it again on the same port and data. */
  async restart(): Promise<void> {
    if (this.#running !== undefined) await this.stop();
    await this.start();
  }

  /** Kills the server, and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.kill();
    this.#running = undefined;
    await rm(this.directory, { recursive: true, force: true });
  }

  get #process(): RunningServer {
    if (this.#running === undefined) throw new Error(`The redis-server on port ${this.port} is not running.`);
    return this.#running;
  }

  /** The answer to a PING; `undefined` if the server does not listen yet. */
  async #firstAnswer(): Promise<string | undefined> {
    try {
      return String(await this.ask(["PING"], { limitMs: PING_LIMIT }));
    } catch (error) {
      const { message } = error as Error;
      return /^[A-Z]+ /.test(message) ? message : undefined;
    }
  }
}

/** Starts a server, and resolves when it answers. Dispose of it even if the test fails. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const engine = options.engine ?? (await findEngine());
  let failure: unknown;
  for (let number = 0; number < PORTS_TRIED; number++) {
    const directory = await mkdtemp(join(tmpdir(), "deep-agent-redis-"));
    const server = new RedisServer(engine, await freePort(), directory, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      failure = error;
      await server[Symbol.asyncDispose]();
      // The first text is redis-server's, the second is Docker's.
      if (!/address already in use|port is already allocated/i.test(String(error))) break;
    }
  }
  throw failure;
}
