import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { FileBackend } from "@deep-agent/file";
import { startRedis } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const main = join(__dirname, "../src/main.ts");
const recorded = join(__dirname, "../../../../shared/data/dialogues.jsonl");
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "deep-agent-replay-"));
});
afterEach(() => rm(home, { recursive: true }));

async function replay(args: string[], env: Record<string, string> = {}): Promise<{ code: unknown; output: string }> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: home,
    env: { ...process.env, DEEP_AGENT_BACKEND: "", ...env },
  });
  const exited = once(child, "close");
  const output = (await Promise.all([text(child.stdout), text(child.stderr)])).join("\n");
  const [code] = await exited;
  return { code, output };
}

function memories(): FileBackend {
  return new FileBackend(join(home, "memories"));
}

describe("a replay", () => {
  it("stores the sample as it was said", async () => {
    const { code, output } = await replay([]);
    expect(output).toContain("5 conversations, 45 messages, 10 tool calls, 0 mismatches");
    expect(output).toContain("4 turns are not a question and one answer");
    expect(output).toMatch(/\d+\.\d turns per second/);
    expect(output).toContain("14 of 14 turns");
    expect(code).toBe(0);
  });

  it("leaves nothing in a given backend, unless --keep is set", async () => {
    const { code, output } = await replay(["--backend", "file:./memories"]);
    expect(output).toContain("5 conversations");
    expect(code).toBe(0);
    expect(await memories().list()).toEqual([]);

    const kept = await replay(["--keep"], { DEEP_AGENT_BACKEND: "file:./memories" });
    const ids = await memories().list();
    expect(ids).toHaveLength(5);
    expect(kept.output).toContain("The memories are kept: file:./memories");
    const train = await memories().load(ids.find((id) => id.endsWith("sample/train")) ?? "");
    expect(train?.slice(0, 3)).toMatchObject([
      { role: "user", content: "Good morning. Is there a train to Porto before noon?" },
      { role: "assistant", content: null, toolCalls: [{ id: "call_1", name: "trains.search" }] },
      { role: "tool", toolCallId: "call_1" },
    ]);
  });

  it("stores the dialogues in Redis too", async () => {
    const server = await startRedis();
    try {
      const { code, output } = await replay(["--backend", server.url]);
      expect(output).toContain("5 conversations, 45 messages, 10 tool calls, 0 mismatches");
      expect(code).toBe(0);
      expect(await server.command("DBSIZE")).toBe(0);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });

  it("stores real dialogues as they were said", async () => {
    if (!existsSync(recorded)) {
      console.log(`Skipped: there are no dialogues in ${recorded}.`);
      return;
    }
    const some = (await readFile(recorded, "utf8")).split("\n").slice(0, 25);
    const messages = some.flatMap((line) => JSON.parse(line).messages as { toolCalls?: object[] }[]);
    const calls = messages.flatMap(({ toolCalls = [] }) => toolCalls);
    await writeFile(join(home, "some.jsonl"), some.join("\n"));
    const { code, output } = await replay(["--file", "some.jsonl", "--backend", "file:./memories"]);
    expect(output).toContain(`25 conversations, ${messages.length} messages, ${calls.length} tool calls, 0 mismatches`);
    expect(output).not.toContain("stored as recorded");
    expect(code).toBe(0);
  });
});

describe("a replay fails", () => {
  /** Makes a module that each process loads before the program, with a backend that answers wrongly. */
  async function spoilt(how: string): Promise<Record<string, string>> {
    const file = pathToFileURL(require.resolve("@deep-agent/file").replace(/\.cjs$/, ".js"));
    await writeFile(join(home, "spoil.mjs"), `import { FileBackend } from ${JSON.stringify(file)};\n${how}`);
    return { NODE_OPTIONS: `--import=${pathToFileURL(join(home, "spoil.mjs"))}` };
  }

  it("if a message is missing at the end, and keeps the memories to be looked at", async () => {
    const env = await spoilt(`
      const { load } = FileBackend.prototype;
      FileBackend.prototype.load = async function (id) { return (await load.call(this, id)).slice(0, -1); };
    `);
    const { code, output } = await replay(["--backend", "file:./memories"], env);
    expect(output).toContain("5 conversations, 40 messages, 10 tool calls, 5 mismatches");
    expect(output).toContain('Message 9 of "sample/train": said {"role":"assistant","content":"Have a good journey."');
    expect(code).toBe(1);
    expect(await memories().list()).toHaveLength(5);
  });

  it("if a memory is missing at the end", async () => {
    const env = await spoilt("FileBackend.prototype.load = async () => null;");
    const { code, output } = await replay(["--backend", "file:./memories"], env);
    expect(output).toContain("0 conversations, 0 messages, 0 tool calls, 45 mismatches");
    expect(code).toBe(1);
  });

  it("if a process does not see what the other one has stored", async () => {
    const env = await spoilt("FileBackend.prototype.read = async () => null;");
    const { code, output } = await replay(["--backend", "file:./memories"], env);
    // Either the model's server misses messages in a request, or the log contradicts what was read from it.
    expect(output).toMatch(/Turn \d of dialogue "sample\/\w+" failed: (400 Turn \d was sent \d+ messages|Memory )/);
    expect(code).toBe(1);
  });

  it("if a process dies", async () => {
    const env = await spoilt("FileBackend.prototype.append = () => process.exit(7);");
    const { code, output } = await replay(["--backend", "file:./memories"], env);
    expect(output).toMatch(/Process \d+ \(worker\.ts\) ended too early, with exit code or signal 7\./);
    expect(code).toBe(1);
  });

  it.each([
    ["there is no such option", ["--fiel", "x"], "--keep"],
    ["there is no such file", ["--file", "nowhere.jsonl"], "nowhere.jsonl"],
    ["the file holds no dialogues", ["--file", "empty.jsonl"], "no dialogues in empty.jsonl"],
    ["the file holds something else", ["--file", "other.jsonl"], "Line 1 is not a dialogue"],
    ["the backend has a typo", ["--backend", "flie:./memories"], "known scheme"],
    ["the backend ends with its process", ["--backend", "memory:"], "Processes cannot share a memory: backend"],
  ])("if %s", async (_what, args, problem) => {
    await writeFile(join(home, "empty.jsonl"), "\n");
    await writeFile(join(home, "other.jsonl"), "[]\n");
    const { code, output } = await replay(args);
    expect(output).toContain(problem);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });
});
