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

/** How long one PING may take of that, in ms. */
const PING_LIMIT = 2_000;

/** How many free ports are tried: between finding one and using it, somebody else may take it. */
const PORTS_TRIED = 5;

export interface RedisServerOptions {
  /** Further arguments, as redis-server takes them: `["--maxmemory", "3mb"]`; they win over the defaults. May be told the port. */
  args?: readonly string[] | ((port: number) => readonly string[]);
  /** The password that the arguments set, for this object's own commands. */
  password?: string;
  /** TLS as the arguments set it up, for this object's own commands: the server listens to nothing else. */
  tls?: { ca: string; cert?: string; key?: string };
  /** Wait until it has read its data, too. Default `true`. */
  waitForData?: boolean;
  /** What runs it. Default: the redis-server of this machine, or Docker where there is none. */
  engine?: Engine;
}

/** Never connected. Its duplicates are made in no time, whereas `createClient` builds a class for every other address. */
const anyClient = createClient();

/** How a command is sent. */
export interface Asking {
  /** Reject after so many ms. Default: wait on. */
  limitMs?: number;
  /** Strings of the answer are Buffers. Default `false`: they are taken to be UTF-8. */
  inBytes?: boolean;
}

/** A redis-server of this test's own, on loopback, with a data folder of its own. */
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

  /** Its process on this machine: the server, or the client of Docker that waits for it. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Starts it, and resolves when it answers. Rejects with what it said where it does not. */
  async start(): Promise<void> {
    if (this.#running?.isAlive()) throw new Error("This redis-server runs already.");
    const { args = [] } = this.#options;
    // Empty at first. What the server itself writes there stays: a sentinel does, and CONFIG REWRITE.
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
      await pause(20); // between two tries to reach it
    }
    await running.kill();
    this.#running = undefined;
    throw new Error(`redis-server did not start on port ${this.port}:\n${await running.output()}`);
  }

  /** Sends one command by a connection of its own. */
  command(...words: string[]): Promise<unknown> {
    return this.ask(words);
  }

  /** As `command`, for those who cannot wait for a frozen server, or want strings as they are. */
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

  /** It stands still, with all its connections, until it is thawed. */
  async freeze(): Promise<void> {
    await this.#process.freeze();
    this.#isFrozen = true;
  }

  async thaw(): Promise<void> {
    await this.#process.thaw();
    this.#isFrozen = false;
  }

  /** Whether `freeze` made it so. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** As if by power loss: nothing more is written. */
  async kill(): Promise<void> {
    await this.#process.kill();
    this.#running = undefined;
    this.#isFrozen = false;
  }

  /** As an operator stops it. */
  async stop(): Promise<void> {
    await this.#process.stop();
    this.#running = undefined;
    this.#isFrozen = false;
  }

  /** Stops it, if it runs, and starts it on the same port and data. */
  async restart(): Promise<void> {
    if (this.#running !== undefined) await this.stop();
    await this.start();
  }

  /** Kills it, and removes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running?.kill();
    this.#running = undefined;
    await rm(this.directory, { recursive: true, force: true });
  }

  get #process(): RunningServer {
    if (this.#running === undefined) throw new Error("This redis-server does not run.");
    return this.#running;
  }

  /** What it answers to a PING; `undefined`: it does not listen yet. */
  async #firstAnswer(): Promise<string | undefined> {
    try {
      return String(await this.ask(["PING"], { limitMs: PING_LIMIT }));
    } catch (error) {
      const { message } = error as Error;
      return /^[A-Z]+ /.test(message) ? message : undefined;
    }
  }
}

/** A server that answers. Dispose of it, whatever the test came to. */
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
      // In the words of redis-server, and of Docker.
      if (!/address already in use|port is already allocated/i.test(String(error))) break;
    }
  }
  throw failure;
}
