import { inspect } from "node:util";
import { openBackend } from "@deep-agent/core";
import { startProxy, startRedis } from "@deep-agent/test-redis";
import { describe, expect, it } from "@jest/globals";
import * as adapter from "../src/index.ts";
import { eventsDuring, type Note, useServer } from "./support/backends.ts";

const PASSWORD = "pa55-canary/@:#?x";
const USERNAME = "user-canary";
const TEXT = "what-was-said-canary";

/** Everything that a log line could show of a value. */
function shown(value: unknown): string {
  const texts = [inspect(value, { depth: 20, showHidden: true, getters: true, maxStringLength: null })];
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(
      String(error),
      error.stack ?? "",
      JSON.stringify(error),
      JSON.stringify(Object.getOwnPropertyNames(error)),
    );
  }
  return texts.join("\n");
}

function expectSilence(value: unknown, what: string): void {
  for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), "pa55-canary", USERNAME, TEXT]) {
    expect({ what, shows: shown(value).includes(secret) }).toEqual({ what, shows: false });
  }
}

const record: Note = { n: 1, text: TEXT };

/**
 * Makes every call. Resolves to the results. The delete comes last: after it, an append would begin a memory, and a
 * load would rightly answer what was said.
 */
async function tryAll(backend: adapter.RedisBackend<Note>): Promise<unknown[]> {
  const calls = [
    () => backend.append("a", [record]),
    () => backend.append("a", [record], { since: null }),
    () => backend.save("a", [record]),
    () => backend.load("a"),
    () => backend.read("a", { last: 1 }),
    () => backend.info("a"),
    () => backend.list(),
    () => backend.recent?.({ limit: 1 }),
    () => backend.touch("a"),
    () => backend.ping(),
  ];
  const results = await Promise.all(calls.map(async (call) => (await Promise.allSettled([call()]))[0]));
  return [...results, ...(await Promise.allSettled([backend.delete("a")]))];
}

describe("no password and no text of a message is shown", () => {
  const redis = useServer();

  it("by a backend", async () => {
    const options = { addr: "localhost:1", username: USERNAME, password: PASSWORD };
    const url = `redis://${USERNAME}:${encodeURIComponent(PASSWORD)}@localhost:1`;
    for (const backend of [
      new adapter.RedisBackend<Note>(options),
      new adapter.RedisBackend<Note>("localhost:1").withPassword(PASSWORD).withUsername(USERNAME),
      new adapter.RedisBackend<Note>(url),
      adapter.fromConfig<Note>({ adapter: "@deep-agent/redis", url }),
    ]) {
      expectSilence(backend, "unused");
      for (const result of await tryAll(backend)) expectSilence(result, "refused");
      expectSilence(backend, "used");
      expect(JSON.stringify(backend)).toBe(`{"name":"redis"}`);
    }
  });

  it.each([
    `redis://${USERNAME}:${PASSWORD}@localhost:6379`,
    `redis://:${PASSWORD}@localhost:port`,
    `redis://localhost:6379/0?password=${PASSWORD}`,
    `redis://localhost:6379/${PASSWORD}`,
    `redis://u:${encodeURIComponent(PASSWORD)}%zz@localhost`,
    `${PASSWORD}@localhost:6379`,
    `localhost:6379 ${PASSWORD}`,
    `redis://:${encodeURIComponent(PASSWORD)}@localhost:6379?ttl=soon`,
  ])("by an invalid address: %s", async (url) => {
    for (const make of [() => new adapter.RedisBackend(url), () => new adapter.RedisBackend({ url })]) {
      try {
        make();
      } catch (error) {
        expect(error).toMatchObject({ code: "INVALID_CONFIG" });
        expectSilence(error, "constructor");
      }
    }
    const [result] = await Promise.allSettled([openBackend(url, { load: async () => adapter })]);
    expectSilence(result, "openBackend");
  });

  it("by errors and events of any failure", async () => {
    const proxy = await startProxy(redis.server);
    const events = await eventsDuring(async () => {
      const one = redis.open({ addr: proxy.addr, timeoutMs: 200, password: PASSWORD });
      for (const action of ["dropReply", "dropRequest", "swallow"] as const) {
        proxy.rule = ([name]) => (name === "HELLO" ? "pass" : action);
        for (const result of await tryAll(one)) expectSilence(result, action);
      }
      proxy.rule = () => "pass";
      for (const command of [
        ["SET", TEXT],
        ["HSET", "f", TEXT],
        ["RPUSH", TEXT],
      ]) {
        const [name = "", ...rest] = command;
        await redis.command("DEL", `${redis.prefix}a`);
        await redis.command(name, `${redis.prefix}a`, ...rest);
        for (const result of await tryAll(one)) expectSilence(result, name);
      }
      await redis.command("DEL", `${redis.prefix}a`);
      await redis.open({ password: PASSWORD, timeoutMs: 30_000 }).append("a", [record]);
      await redis.command("LSET", `${redis.prefix}a`, "1", `{"t":"x","at":5,"r":[{"text":"${TEXT}"`);
      const [damaged] = await Promise.allSettled([one.load("a")]);
      expectSilence(damaged, "damaged");
    });
    expect(events).toEqual([]);
    await proxy[Symbol.asyncDispose]();
  });

  it("by errors of a server that quotes its commands", async () => {
    const server = await startRedis({
      args: ["--rename-command", "EVALSHA", "", "--rename-command", "LRANGE", "", "--requirepass", "right"],
      password: "right",
    });
    try {
      await using one = new adapter.RedisBackend<Note>({ addr: server.addr, password: "right", timeoutMs: 10_000 });
      const results = await tryAll(one);
      for (const result of results) expectSilence(result, "unknown command");
      expect(results[0]).toMatchObject({ reason: { code: "NOT_SUPPORTED", outcome: "not-applied" } });
      await using wrong = new adapter.RedisBackend<Note>({ addr: server.addr, password: PASSWORD, username: USERNAME });
      for (const result of await tryAll(wrong)) expectSilence(result, "wrong password");
    } finally {
      await server[Symbol.asyncDispose]();
    }
  });
});
