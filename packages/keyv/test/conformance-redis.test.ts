import { join } from "node:path";
import { conformance } from "@deep-agent/conformance";
import { type RedisServer, startRedis } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, it } from "@jest/globals";
import KeyvRedis from "@keyv/redis";
import { Keyv } from "keyv";
import { KeyvBackend } from "../src/index.ts";

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server[Symbol.asyncDispose]());

/** Each store has a namespace of its own. */
let namespaces = 0;
let ttl: number | undefined;
/** The clients of the running test, which backends leave open. */
let clients: Keyv[] = [];

/** On a Keyv that has a TTL and a listener of its user. */
function onNamespace(): KeyvBackend<object> {
  const store = new KeyvRedis(`redis://${server.addr}`);
  const keyv = new Keyv({ store, namespace: `store-${namespaces}`, ...(ttl !== undefined && { ttl }) });
  keyv.on("error", (error) => console.error(error));
  clients.push(keyv);
  return new KeyvBackend<object>(keyv);
}

function newNamespace(ttlMs: number | undefined): KeyvBackend<object> {
  namespaces += 1;
  ttl = ttlMs;
  return onNamespace();
}

conformance(
  { describe, it },
  {
    name: "keyv over Redis",
    open: () => newNamespace(undefined),
    reopen: onNamespace,
    async close() {
      await Promise.all(clients.map((client) => client.disconnect()));
      clients = [];
    },
    ttl: { open: newNamespace },
    elsewhere: {
      module: join(__dirname, "workers/redis.worker.ts"),
      args: () => [`redis://${server.addr}`, `store-${namespaces}`, ...(ttl === undefined ? [] : [ttl])],
    },
    residue: async () => (await server.command("KEYS", `store-${namespaces}::*`)) as string[],
  },
);
