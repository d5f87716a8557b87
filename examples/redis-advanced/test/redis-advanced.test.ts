import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { certificates, startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";

describe("what can be configured", () => {
  it("works as the example shows", async () => {
    const made = await certificates();
    const server = await startRedis();
    const secure = await startRedis({ args: (port) => made.serverArgs(port), tls: { ca: made.ca } });
    const folder = await mkdtemp(join(tmpdir(), "deep-agent-advanced-"));
    try {
      await writeFile(join(folder, "ca.crt"), made.ca);
      const env = {
        ...process.env,
        OPENAI_API_KEY: "",
        OPENAI_BASE_URL: "",
        DEEP_AGENT_BACKEND: server.url,
        REDIS_TLS_URL: `rediss://${secure.addr}`,
        REDIS_TLS_CA: join(folder, "ca.crt"),
      };
      const { stdout } = await promisify(execFile)(process.execPath, [join(__dirname, "../src/main.ts")], { env });
      expect(stdout.split("\n")).toEqual([
        "Health: the server answers (at once).",
        expect.stringMatching(/^Health: Cannot ping: localhost:1 could not be reached \(ECONNREFUSED\)\./),
        "TTL: what anonymous users said is kept for 1 hours.",
        "TTL: what regular users said is kept for 168 hours.",
        "TTL: what premium users said is kept for 720 hours.",
        "Tenants: acme has acme-support.",
        "Tenants: globex has globex-support.",
        "Own client: it is still open.",
        "Manual save: 0 messages stored before, 4 after.",
        "TLS: the server's certificate is good.",
        "",
      ]);
      const ttl = async (key: string) => Number(await server.command("TTL", key));
      expect(await ttl("deep-agent:memories:anonymous-user")).toBeGreaterThan(3_500);
      expect(await ttl("deep-agent:memories:anonymous-user")).toBeLessThanOrEqual(3_600);
      expect(await ttl("deep-agent:memories:regular-user")).toBeGreaterThan(604_700);
      expect(await ttl("deep-agent:memories:regular-user")).toBeLessThanOrEqual(604_800);
      expect(await ttl("deep-agent:memories:premium-user")).toBeGreaterThan(2_591_900);
      expect(await ttl("deep-agent:memories:shared-client")).toBeLessThanOrEqual(3_600);
      const entries = async (key: string) => (await server.command("LRANGE", key, "1", "-1")) as string[];
      for (const tenant of ["acme", "globex"]) {
        expect(await entries(`tenant-${tenant}:${tenant}-support`)).toEqual([
          expect.stringContaining(`"content":"Hello from ${tenant}"`),
        ]);
      }
      // Two whole turns in order, although they were stored late.
      expect(await entries("deep-agent:memories:user-bob")).toEqual([
        expect.stringMatching(/"content":"My favorite color is red\.".*"role":"assistant"/),
        expect.stringMatching(/"content":"I am allergic to peanuts\.".*"role":"assistant"/),
      ]);
    } finally {
      await server[Symbol.asyncDispose]();
      await secure[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    }
  });
});
