import { once } from "node:events";
import net from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { createClient } from "@redis/client";
import { type Action, type LossyProxy, type RedisServer, startProxy, startRedis } from "../src/index.ts";

let server: RedisServer;
let proxy: LossyProxy;
beforeAll(async () => {
  server = await startRedis();
});
beforeEach(async () => {
  await server.command("FLUSHALL");
  proxy = await startProxy(server);
});
afterEach(() => proxy[Symbol.asyncDispose]());
afterAll(() => server[Symbol.asyncDispose]());

/** A client of the proxy that never tries a command again. */
async function connected() {
  const client = createClient({
    socket: { host: "127.0.0.1", port: proxy.port, reconnectStrategy: false },
    disableClientInfo: true,
  });
  client.on("error", () => client.destroy());
  return client.connect();
}

const onIncrements = (action: Action) => (command: readonly string[]) => (command[0] === "INCR" ? action : "pass");

describe("a command through a proxy", () => {
  it("is answered as by the server itself, and is counted", async () => {
    const client = await connected();
    proxy.resetCounts();
    const replies = await Promise.all([
      client.sendCommand(["INCR", "n"]),
      client.sendCommand(["HGETALL", "none"]),
      client.sendCommand(["ECHO", "x".repeat(100_000)]),
    ]);
    client.destroy();
    expect(replies[0]).toBe(1);
    expect(String(replies[2])).toHaveLength(100_000);
    const { sent, received, commands } = proxy.counts;
    expect(commands).toEqual({ INCR: 1, HGETALL: 1, ECHO: 1 });
    // *2 $4 INCR $1 n, *2 $7 HGETALL $4 none, *2 $4 ECHO $100000 x…
    expect(sent).toBe(4 + 10 + 7 + 4 + 13 + 10 + 4 + 10 + 9 + 100_002);
    expect(received).toBe(4 + 4 + 9 + 100_002);
  });

  it.each([
    ["dropReply", "1"],
    ["dropRequest", null],
    ["hold", null],
  ] as const)("is lost as told: %s", async (action, left) => {
    const client = await connected();
    proxy.rule = onIncrements(action);
    await expect(client.sendCommand(["INCR", "n"])).rejects.toThrow();
    expect(await server.command("GET", "n")).toBe(left);
    expect(proxy.held).toBe(action === "hold" ? 1 : 0);
    await proxy.release();
    expect(await server.command("GET", "n")).toBe(action === "dropRequest" ? null : "1");
  });

  it("is never answered if it is swallowed", async () => {
    const client = await connected();
    proxy.rule = onIncrements("swallow");
    const answer = client.sendCommand(["INCR", "n"]);
    await expect(
      Promise.race([answer, new Promise((_, reject) => setTimeout(reject, 100, new Error("nothing")))]),
    ).rejects.toThrow("nothing");
    client.destroy();
    await expect(answer).rejects.toThrow();
    expect(await server.command("GET", "n")).toBeNull();
  });

  it("is held for the connection on which it was sent: it reaches its database even if the client is gone", async () => {
    const client = await connected();
    await client.sendCommand(["SELECT", "3"]);
    proxy.rule = onIncrements("hold");
    await expect(client.sendCommand(["INCR", "n"])).rejects.toThrow();
    proxy.cut();
    await proxy.release();
    expect(await server.command("GET", "n")).toBeNull();
    expect(await server.command("EVAL", "redis.call('SELECT', 3) return redis.call('GET', 'n')", "0")).toBe("1");
  });

  it("gets its own reply, not what the server sends by itself", async () => {
    const talkative = net.createServer((socket) => socket.on("data", () => socket.write(">1\r\n+news\r\n:7\r\n")));
    talkative.listen(0, "127.0.0.1");
    await once(talkative, "listening");
    const { port } = talkative.address() as net.AddressInfo; // it listens on TCP
    await using between = await startProxy({ host: "127.0.0.1", port });
    const client = net.connect(between.port, "127.0.0.1");
    let said = "";
    client.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.endsWith(":7\r\n")) client.end();
    });
    client.write("*1\r\n$4\r\nINCR\r\n");
    await once(client, "close");
    expect(said).toBe(">1\r\n+news\r\n:7\r\n");
    talkative.close();
  });
});
