import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const TIMEOUT_MS = 60_000;

/** Runs programs of the documentation, with what they need around them: a model, and a Redis server. */
export class Runner implements AsyncDisposable {
  readonly #root: string;
  readonly #repository: string;
  #model: Promise<{ apiKey: string; baseURL: string; close(): Promise<void> }> | undefined;
  #redis: Promise<{ url: string; stop(): Promise<void> } | null> | undefined;

  /** `root` is that of the tree whose programs are run. */
  constructor(root: string, repository: string) {
    this.#root = root;
    this.#repository = repository;
  }

  /** Whether there is a Redis server to run. */
  async hasRedis(): Promise<boolean> {
    this.#redis ??= startRedis();
    return (await this.#redis) !== null;
  }

  /** What a program prints; `failure` says how it ended, if not well. It may only connect to this machine. */
  async run(
    { args, env, needsModel }: { args: readonly string[]; env: Readonly<Record<string, string>>; needsModel: boolean },
    folder: string,
    needsRedis: boolean,
  ): Promise<{ stdout: string; failure: string | null }> {
    const preload = pathToFileURL(join(import.meta.dirname, "offline-program.ts")).href;
    const options = {
      cwd: folder,
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
      maxBuffer: 2 ** 24,
      env: {
        ...{ PATH: process.env["PATH"], HOME: folder, TMPDIR: tmpdir(), NO_COLOR: "1", TZ: "UTC", ...env },
        ...{ NODE_OPTIONS: `--import=${preload}`, DOCS_CHECK_TREE: addressOf(this.#root) },
        DOCS_CHECK_REPOSITORY: addressOf(this.#repository),
        ...(needsRedis && { DEEP_AGENT_BACKEND: (await this.#redis)?.url }),
        ...(needsModel && (await this.#modelEnvironment())),
      },
    } as const;
    return new Promise((resolve) => {
      const child = execFile(process.execPath, [...args], options, (error, stdout, stderr) => {
        if (error === null) resolve({ stdout, failure: null });
        else if (error.killed) resolve({ stdout, failure: `did not end within ${TIMEOUT_MS / 1000} seconds` });
        else resolve({ stdout, failure: `ended with ${error.code}: ${reasonIn(stderr)}` });
      });
      child.stdin?.end();
    });
  }

  /** Ends the Redis server: the next program that needs one has an empty one. */
  async endRedis(): Promise<void> {
    const redis = await this.#redis;
    this.#redis = undefined;
    await redis?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.endRedis();
    await (await this.#model)?.close();
  }

  async #modelEnvironment(): Promise<Record<string, string>> {
    this.#model ??= import("../../examples/offline-model/src/index.ts").then((offline) => offline.startOfflineModel());
    const { apiKey, baseURL } = await this.#model;
    return { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL };
  }
}

function addressOf(folder: string): string {
  return `${pathToFileURL(folder).href}/`;
}

/** The line that names the error, or else the last one. */
function reasonIn(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? "it says nothing").trim();
}

/** A Redis server that keeps nothing; `null` if there is no program for it. */
async function startRedis(): Promise<{ url: string; stop(): Promise<void> } | null> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "deep-agent-docs-redis-"));
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const child = spawn(process.env["REDIS_SERVER"] || "redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
  const ready = await isReady(child);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.kill()) await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  };
  if (ready) return { url: `redis://127.0.0.1:${port}`, stop };
  rmSync(folder, { recursive: true, force: true });
  return null;
}

function isReady(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    child.once("error", () => resolve(false)).once("exit", () => resolve(false));
    child.stdout?.on("data", (text) => {
      if (String(text).includes("Ready to accept connections")) resolve(true);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // of a server that listens on a port
  server.close();
  await once(server, "close");
  return port;
}
