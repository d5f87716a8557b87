import { conformance } from "@deep-agent/conformance";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, it } from "@jest/globals";
import { RedisBackend } from "../src/index.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server[Symbol.asyncDispose]());

let stores = 0;
let ttl: number | null = null;

/** Each store is a prefix of its own. */
function onStore(): RedisBackend<object> {
  return new RedisBackend<object>({ addr: server.addr, prefix: `store-${stores}:`, ttl });
}

function newStore(ttlMs: number | null): RedisBackend<object> {
  stores += 1;
  ttl = ttlMs;
  return onStore();
}

conformance(
  { describe, it },
  {
    name: "redis",
    open: () => newStore(null),
    reopen: onStore,
    ttl: { open: newStore },
    async residue() {
      const keys = (await server.command("KEYS", `store-${stores}:*`)) as string[];
      const listed = (await server.command("ZRANGE", `@recent:store-${stores}:`, "0", "-1")) as string[];
      return [...keys, ...listed.map((memoryId) => `in the index: ${memoryId}`)];
    },
    async lose(_backend, memoryId) {
      const key = `store-${stores}:${memoryId}`;
      const entry = JSON.parse(String(await server.command("RPOP", key))) as { r: unknown[] };
      const [mark, epoch, created, updated, records, dropped] = String(await server.command("LINDEX", key, "0")).split(
        " ",
      );
      const header = [mark, epoch, created, updated, Number(records) - entry.r.length, dropped];
      await server.command("LSET", key, "0", header.join(" "));
    },
  },
);
