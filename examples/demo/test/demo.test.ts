import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { startRedis } from "@deep-agent/test-redis";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const folder = join(__dirname, "..");
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "deep-agent-demo-"));
});
afterEach(() => rm(home, { recursive: true }));

async function demo(env: Record<string, string> = {}): Promise<{ code: unknown; output: string }> {
  const offline = { OPENAI_API_KEY: "", OPENAI_BASE_URL: "", OPENAI_MODEL: "", DEEP_AGENT_BACKEND: "" };
  const child = spawn(process.execPath, [join(folder, "src/main.ts")], {
    cwd: home,
    env: { ...process.env, ...offline, ...env },
  });
  const exited = once(child, "close");
  const output = (await Promise.all([text(child.stdout), text(child.stderr)])).join("\n");
  const [code] = await exited;
  return { code, output };
}

describe("the demo", () => {
  it("recalls three facts in a second process, and no fact under another id", async () => {
    const { code, output } = await demo();
    expect(output).toContain("The second process recalled 3 of 3 facts, the third 0.");
    expect(code).toBe(0);
    const processes = output.match(/^Process \d+/gm);
    expect(new Set(processes).size).toBe(3);
    expect(output.match(/memory \d+\.\d ms \(read \d+\.\d, write \d+\.\d\), model \d+ ms/g)).toHaveLength(9);
    expect(output).toContain("offline model");
  });

  it("says where the data lies, and starts with an empty folder each time", async () => {
    const data = join(folder, ".data");
    await mkdir(data, { recursive: true });
    await writeFile(join(data, "old.txt"), "");
    const { output } = await demo();
    expect(output).toMatch(/Backend: files in .*\.data/);
    const files = await readdir(data);
    expect(files.sort()).toEqual(["demo-alice.1.jsonl", "demo-stranger.1.jsonl"]);
    expect(output).toMatch(/cat '.*\.data\/demo-alice'\.\*\.jsonl/);
    expect(await readFile(join(data, "demo-alice.1.jsonl"), "utf8")).toContain("My favourite colour is blue.");
  });

  it("uses fresh ids in a given backend, and leaves other memories alone", async () => {
    const env = { DEEP_AGENT_BACKEND: "file:./shared" };
    expect((await demo(env)).code).toBe(0);
    const first = await readdir(join(home, "shared"));
    expect((await demo(env)).code).toBe(0);
    const both = await readdir(join(home, "shared"));
    expect(first).toHaveLength(2);
    expect(both).toHaveLength(4);
    expect(both).toEqual(expect.arrayContaining(first));
  });
});

describe("the demo on Redis", () => {
  it("recalls the same facts, from one list for each memory, which is kept for a week", async () => {
    const server = await startRedis();
    try {
      const { code, output } = await demo({ DEEP_AGENT_BACKEND: server.url });
      expect(output).toContain("The second process recalled 3 of 3 facts, the third 0.");
      expect(code).toBe(0);
      const [, alice] = /LRANGE 'deep-agent:memories:(demo-alice-\w+)' 0 -1/.exec(output) ?? [];
      const keys = (await server.command("KEYS", "deep-agent:memories:*")) as string[];
      expect(keys).toHaveLength(2);
      expect(keys).toContain(`deep-agent:memories:${alice}`);
      for (const key of keys) {
        expect(await server.command("TYPE", key)).toBe("list");
        const ttl = Number(await server.command("TTL", key));
        expect(ttl).toBeLessThanOrEqual(604_800);
        expect(ttl).toBeGreaterThan(604_800 - 600);
      }
      const elements = (await server.command("LRANGE", `deep-agent:memories:${alice}`, "0", "-1")) as string[];
      expect(elements[0]).toMatch(/^#1 \S+ \d+ \d+ 12 0$/);
      expect(elements.slice(1).join()).toContain("My favourite colour is blue.");
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });
});

describe("the demo fails", () => {
  let model: Server | undefined;
  afterEach(() => {
    model?.close();
    model?.closeAllConnections();
    model = undefined;
  });

  /** Settings of a model that always gives the same answer. */
  async function always(answer: string): Promise<Record<string, string>> {
    const chunks = [{ delta: { content: answer } }, { delta: {}, finish_reason: "stop" }];
    const stream = chunks.map((choice) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`).join("");
    model = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(stream);
    });
    await once(model.listen(0, "127.0.0.1"), "listening");
    return {
      OPENAI_API_KEY: "sk-test",
      OPENAI_BASE_URL: `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`,
    };
  }

  it("if the second process does not know the facts", async () => {
    const { code, output } = await demo(await always("Who are you?"));
    expect(output).toContain("recalled 0 of 3 facts, the third 0.");
    expect(code).toBe(1);
  });

  it("if the stranger knows a fact", async () => {
    const { code, output } = await demo(await always("Alice is allergic to blue peanuts."));
    expect(output).toContain("recalled 3 of 3 facts, the third 3.");
    expect(code).toBe(1);
  });

  it.each([
    ["the backend ends with its process", { DEEP_AGENT_BACKEND: "memory:" }, "ends with its process"],
    ["the backend has a typo", { DEEP_AGENT_BACKEND: "flie:./memories" }, "known scheme"],
    [
      "a process fails",
      { OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: "http://127.0.0.1:1/v1" },
      "ended with exit code 1",
    ],
  ])("if %s", async (_what, env: Record<string, string>, problem) => {
    const { code, output } = await demo(env);
    expect(output).toContain(problem);
    expect(code).toBe(1);
  });
});
