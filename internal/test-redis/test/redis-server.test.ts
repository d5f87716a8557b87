import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { certificates, type RedisServer, startRedis } from "../src/index.ts";

describe("a redis-server for one test", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("keeps its data over a restart, and after it was killed", async () => {
    await server.command("SET", "a", "1");
    await server.restart();
    expect(await server.command("GET", "a")).toBe("1");
    await server.kill();
    await server.start();
    expect(await server.command("GET", "a")).toBe("1");
  });

  it("stands still while it is frozen", async () => {
    await server.freeze();
    const answer = server.command("INCR", "n");
    const order: string[] = [];
    const answered = answer.then(() => order.push("answered"));
    setImmediate(() => order.push("thawed"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await server.thaw();
    await answered;
    expect(order).toEqual(["thawed", "answered"]);
  });

  it("can be stopped while it is frozen", async () => {
    await server.command("SET", "a", "2");
    await server.freeze();
    await server.stop();
    await server.start();
    expect(await server.command("GET", "a")).toBe("2");
  });

  it("speaks only TLS if it has certificates", async () => {
    await using made = await certificates();
    const secure = await startRedis({ args: (port) => made.serverArgs(port), tls: { ca: made.ca } });
    try {
      expect(await secure.command("PING")).toBe("PONG");
    } finally {
      await secure[Symbol.asyncDispose]();
    }
  });

  it("says why if it does not start", async () => {
    await expect(startRedis({ args: ["--no-such-option", "1"] })).rejects.toThrow(/did not start/);
  });
});
