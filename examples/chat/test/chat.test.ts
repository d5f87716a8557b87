import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const main = join(__dirname, "../src/main.ts");
const offline = { OPENAI_API_KEY: "", OPENAI_BASE_URL: "", OPENAI_MODEL: "", DEEP_AGENT_BACKEND: "" };
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "deep-agent-chat-"));
});
afterEach(() => rm(home, { recursive: true }));

/** The program, and its output so far. */
class Program {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exited: Promise<unknown[]>;
  output = "";

  constructor(env: Record<string, string> = {}, ...args: string[]) {
    this.#child = spawn(process.execPath, [main, ...args], { cwd: home, env: { ...process.env, ...offline, ...env } });
    this.#exited = once(this.#child, "exit");
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
  }

  type(...lines: string[]): void {
    this.#child.stdin.write(lines.map((line) => `${line}\n`).join(""));
  }

  ctrlC(): void {
    this.#child.kill("SIGINT");
  }

  /** Waits until the program has written that. */
  async writes(text: string): Promise<void> {
    while (!this.output.includes(text)) await once(this.#child.stdout, "data");
  }

  /** Ends the input, unless `endInput` is false, and waits for the exit code. */
  async exit({ endInput = true } = {}): Promise<unknown> {
    if (endInput) this.#child.stdin.end();
    const [code] = await this.#exited;
    return code;
  }
}

/** Types the lines into a new process, and resolves to its output without prompts: lines typed ahead may lack them. */
async function chat(lines: string[], env: Record<string, string> = {}, ...args: string[]): Promise<string> {
  const program = new Program(env, ...args);
  program.type(...lines);
  expect(await program.exit()).toBe(0);
  return program.output.replaceAll(/^(?:> )+/gm, "");
}

describe("the chat", () => {
  it("remembers in another process, and says that it uses the offline model", async () => {
    expect(await chat(["My name is Alice."])).toMatch(/offline model[\s\S]*Noted: your name is Alice\./);
    expect(await chat(["What is my name?", "/exit", "Where do I live?"])).toMatch(/Your name is Alice\.\n$/);
  });

  it("remembers in Redis too, if the variable says so", async () => {
    const server = await startRedis();
    try {
      const redis = { DEEP_AGENT_BACKEND: server.url };
      await chat(["My name is Alice."], redis, "alice");
      expect(await chat(["What is my name?"], redis, "alice")).toContain("Your name is Alice.");
      expect(await server.command("KEYS", "deep-agent:*")).toEqual(["deep-agent:memories:alice"]);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });

  it("shows what was said", async () => {
    await chat(["My name is Alice."], {}, "alice");
    const output = await chat(["/history"], {}, "alice");
    expect(output).toContain("user: My name is Alice.\nassistant: Noted: your name is Alice.\n");
  });

  it("goes from memory to memory, and lists them", async () => {
    const output = await chat(["My name is Alice.", "/switch bob smith", "What is my name?", "/memories", "/switch"]);
    expect(output).toContain('This is memory "bob smith" now.\nI do not know.\n* "bob smith"\n  "default"\n');
    expect(output).toContain("Name the memory: /switch ID");
  });

  it("forgets", async () => {
    const output = await chat(["My name is Alice.", "/forget", "What is my name?", "/forget", "/history", "/memories"]);
    expect(output).toContain('Memory "default" is deleted.\nI do not know.\n');
    expect(output).toContain("Nothing has been said yet.\nThere are no memories yet.\n");
  });

  it("keeps memories in the backend that the variable names", async () => {
    const output = await chat(["My name is Alice.", "What is my name?"], { DEEP_AGENT_BACKEND: "memory:" });
    expect(output).toContain("Your name is Alice.");
    expect(await chat(["/memories"])).toContain("There are no memories yet.");
  });

  it("helps", async () => {
    const output = await chat(["/help", "/histroy", ""]);
    for (const command of ["/history", "/memories", "/switch ID", "/forget", "/exit"])
      expect(output).toContain(command);
    expect(output).toContain("There is no command /histroy.");
  });
});

describe("an error in the chat", () => {
  it("is shown, and the chat goes on", async () => {
    const nowhere = { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" };
    const output = await chat(["Hello", `/switch ${"x".repeat(1025)}`, "/history"], nowhere);
    expect(output).toContain("Error: Connection error.");
    expect(output).toContain("Error INVALID_MEMORY_ID: A memory id must not be longer than 1024 bytes");
    expect(output).toContain("Nothing has been said yet.");
    expect(output).not.toContain("sk-test");
  });

  it("in the configuration ends the chat before it begins", async () => {
    const program = new Program({ DEEP_AGENT_BACKEND: "flie:./memories" });
    expect(await program.exit()).toBe(1);
    expect(program.output).toMatch(/file/);
    expect(program.output).not.toContain("    at ");
  });
});

describe("Ctrl-C", () => {
  /** A model that says one word and then falls silent. */
  let silent: Server;
  beforeEach(async () => {
    silent = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"Well"}}]}\n\n');
    });
    await once(silent.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(() => {
    silent.close();
    silent.closeAllConnections();
  });

  it("stops the reply in progress and keeps what had arrived; pressed again, it ends the chat", async () => {
    const baseURL = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/v1`;
    const program = new Program({ OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: baseURL });
    program.type("Hello");
    await program.writes("Well");
    program.ctrlC();
    await program.writes("Well (stopped)\n");
    program.type("/history");
    await program.writes("user: Hello\nassistant: Well (stopped)\n");
    program.ctrlC();
    expect(await program.exit({ endInput: false })).toBe(0);
  });
});
