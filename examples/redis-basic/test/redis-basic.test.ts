import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server[Symbol.asyncDispose]());

describe("the basics of Redis", () => {
  it("recall a fact, and show one list that expires in a week", async () => {
    const env = { ...process.env, OPENAI_API_KEY: "", OPENAI_BASE_URL: "", DEEP_AGENT_BACKEND: server.url };
    const { stdout } = await promisify(execFile)(process.execPath, [join(__dirname, "../src/main.ts")], { env });
    expect(stdout).toContain("Agent:   Your favorite color is blue.");
    expect(stdout).toContain("Memories: user-alice\n");
    const [, ttl] = /> TTL deep-agent:memories:user-alice\n(\d+)\n/.exec(stdout) ?? [];
    expect(Number(ttl)).toBeGreaterThan(604_700);
    expect(stdout).toMatch(/\n0\) #1 \S+ \d+ \d+ 4 0\n1\) \{"t":"[^"]+","at":\d+,"r":\[\{"role":"user"/);
    expect(await server.command("TYPE", "deep-agent:memories:user-alice")).toBe("list");
    expect(await server.command("LLEN", "deep-agent:memories:user-alice")).toBe(3);
  });

  it("end with an error that says what to do if there is no server", async () => {
    const env = { ...process.env, OPENAI_API_KEY: "", OPENAI_BASE_URL: "", DEEP_AGENT_BACKEND: "redis://127.0.0.1:1" };
    const run = promisify(execFile)(process.execPath, [join(__dirname, "../src/main.ts")], { env });
    await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining("could not be reached") });
  });
});
