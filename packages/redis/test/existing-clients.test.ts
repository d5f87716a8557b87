import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { type RedisServer, startCluster, startRedis, startSentinels } from "@deep-agent/test-redis";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createClient, createClientPool, createCluster, createSentinel, RESP_TYPES } from "@redis/client";
import { Cluster, Redis } from "ioredis";
import * as ioredis6 from "ioredis-6";
import { RedisBackend, type RedisMemoryOptions } from "../src/index.ts";
import { type Note, notes, rejectionOf } from "./support/backends.ts";
import { type Place, places, topologies } from "./support/topologies.ts";

/** How long a process may take to end when nothing keeps it alive, in ms. */
const END_LIMIT = 10_000;

const quiet = (): void => undefined;

type Client = Parameters<typeof RedisBackend.fromClient>[0];

interface Emitter {
  eventNames(): (string | symbol)[];
  listenerCount(name: string | symbol): number;
  ping(): Promise<unknown>;
}

function listeners(client: Emitter): Map<string | symbol, number> {
  return new Map(client.eventNames().map((name) => [name, client.listenerCount(name)]));
}

describe.each(["server", "sentinels", "cluster"] as const)("a given client, on %s", (on) => {
  let place: Place;
  beforeAll(async () => {
    place = await places[on]();
  });
  afterAll(async () => await place[Symbol.asyncDispose]());

  const given = topologies.filter((one) => one.on === on && !one.name.startsWith("own"));

  it.each(given.map((one) => [one.name, one] as const))(
    "stays as it was, and goes on working: %s",
    async (name, one) => {
      const { backend, close, client } = await one.open(place);
      try {
        const emitter = client as Emitter; // all clients are emitters
        await emitter.ping();
        const before = listeners(emitter);
        expect(before.get("error")).toBe(1);
        for (let number = 0; number < 3; number++) {
          const user = backend<Note>({ prefix: `${name}:`, index: true, timeoutMs: 20_000 });
          await useAll(user);
          expect(listeners(emitter)).toEqual(before);
          await user.close();
          expect(await rejectionOf(user.ping())).toMatchObject({ code: "CLOSED" });
        }
        expect(listeners(emitter)).toEqual(before);
        expect(await emitter.ping()).toBe("PONG");
      } finally {
        await close();
      }
    },
  );

  it.each(given.map(({ name }) => name))(
    "does not keep the process alive after its owner closes it: %s",
    async (name) => {
      const { addr, nodes, name: master, proxies } = place;
      const told = JSON.stringify({ addr, nodes, name: master, proxies: { addressMap: proxies.addressMap } });
      const child = spawn(process.execPath, [join(__dirname, "workers/client.worker.ts"), name, told], {
        stdio: ["ignore", "pipe", "pipe"],
      });
      const ended = once(child, "exit");
      const complaints = text(child.stderr);
      let said = "";
      let timer: NodeJS.Timeout | undefined;
      child.stdout.setEncoding("utf8").on("data", (piece: string) => {
        said += piece;
        if (said.includes("closed")) timer ??= setTimeout(() => child.kill("SIGKILL"), END_LIMIT);
      });
      const [code, signal] = await ended;
      clearTimeout(timer);
      expect({ said, code, signal, complaints: code === 0 ? "" : await complaints }).toEqual({
        said: "1 1\nclosed\n",
        code: 0,
        signal: null,
        complaints: "",
      });
    },
  );
});

async function useAll(backend: RedisBackend<Note>): Promise<void> {
  await Promise.all(Array.from({ length: 10 }, (_, n) => backend.append("a", notes(n, 1))));
  await backend.save("b", notes(0, 1));
  expect(await backend.load("a")).toHaveLength(10);
  await backend.read("a", { last: 1 });
  await backend.list();
  await backend.recent?.({ limit: 1 });
  await backend.info("a");
  await backend.touch("a");
  await backend.ping();
  await backend.delete("a");
  await backend.delete("b");
}

const SECRET = "canary";
const PASSWORD = `pa55-${SECRET}/@:#?x`;
const RIGHT = `right-${SECRET}`;
const said: Note = { text: `${SECRET} was said`, n: 1 };

/** Everything that a log line could show of a value. */
function shown(value: unknown): string {
  const texts = [inspect(value, { depth: 10, showHidden: true, getters: true, maxStringLength: null })];
  for (let error = value; error instanceof Error; error = error.cause)
    texts.push(String(error), error.stack ?? "", JSON.stringify(error), inspect(Object.entries(error), { depth: 10 }));
  return texts.join("\n");
}

/** The errors of all calls that fail. */
async function failures(backend: RedisBackend<Note>): Promise<unknown[]> {
  const calls = [
    backend.append("a", [said]),
    backend.append("a", [said], { since: null }),
    backend.save("a", [said]),
    backend.load("a"),
    backend.read("a", { last: 1 }),
    backend.info("a"),
    backend.list(),
    backend.recent?.({ limit: 1 }),
    backend.touch("a"),
    backend.delete("a"),
    backend.ping(),
  ];
  return (await Promise.allSettled(calls)).flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
}

/** Servers with a password, and clients or backends with a right or wrong one. */
interface Secretive {
  addr: string;
  nodes: readonly { host: string; port: number }[];
  name: string;
}

type Opening = (place: Secretive, password: string) => Promise<{ backend: RedisBackend<Note>; close(): unknown }>;

const within: RedisMemoryOptions = { prefix: "s:", timeoutMs: 1_000 };

function over<C extends Client>(client: C, close: (client: C) => unknown): Awaited<ReturnType<Opening>> {
  return { backend: RedisBackend.fromClient<Note>(client, within), close: () => close(client) };
}

interface Connecting {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  once(event: "error", listener: () => void): unknown;
  destroy(): unknown;
}

/**
 * Does not wait for the connection: with a wrong password, a node-redis client tries for ever. Its backend must not
 * show the password then either.
 */
async function connected<C extends Client & Connecting>(client: C): Promise<Awaited<ReturnType<Opening>>> {
  const failed = new Promise<void>((resolve) => client.once("error", resolve));
  await Promise.race([failed, client.connect().catch(quiet)]);
  return over(client, () => client.isOpen && client.destroy());
}

const openings: Record<"server" | "sentinels" | "cluster", Record<string, Opening>> = {
  server: {
    "node-redis": async ({ addr }, password) =>
      connected(createClient({ url: `redis://${addr}`, password }).on("error", quiet)),
    "ioredis 5": async ({ addr }, password) =>
      over(new Redis(`redis://${addr}`, { password }).on("error", quiet), (one) => one.disconnect()),
    "ioredis 6": async ({ addr }, password) =>
      over(new ioredis6.Redis(`redis://${addr}`, { password }).on("error", quiet), (one) => one.disconnect()),
  },
  sentinels: {
    own: async ({ name, nodes }, password) => {
      const sentinel = { name, nodes: nodes.map(({ host, port }) => `${host}:${port}`) };
      return { backend: new RedisBackend<Note>({ ...within, sentinel, password }), close: quiet };
    },
    "node-redis sentinel": async ({ name, nodes }, password) =>
      connected(
        createSentinel({
          ...{ name, sentinelRootNodes: [...nodes], nodeClientOptions: { password } },
          passthroughClientErrorEvents: true,
        }).on("error", quiet),
      ),
    "ioredis sentinels": async ({ name, nodes }, password) =>
      over(new Redis({ name, sentinels: [...nodes], password }).on("error", quiet), (one) => one.disconnect()),
  },
  cluster: {
    own: async ({ nodes }, password) => {
      const cluster = nodes.map(({ host, port }) => `${host}:${port}`);
      return { backend: new RedisBackend<Note>({ ...within, cluster, password }), close: quiet };
    },
    "node-redis cluster": async ({ nodes }, password) =>
      connected(
        createCluster({ rootNodes: nodes.map((socket) => ({ socket })), defaults: { password } }).on("error", quiet),
      ),
    "ioredis 5 cluster": async ({ nodes }, password) =>
      over(new Cluster([...nodes], { redisOptions: { password } }).on("error", quiet), (one) => one.disconnect()),
    "ioredis 6 cluster": async ({ nodes }, password) =>
      over(new ioredis6.Cluster([...nodes], { redisOptions: { password } }).on("error", quiet), (one) =>
        one.disconnect(),
      ),
  },
};

describe.each(["server", "sentinels", "cluster"] as const)(
  "errors and backends show no password and no text of a message, on %s",
  (on) => {
    let place: Secretive;
    let servers: readonly RedisServer[];
    let dispose: () => PromiseLike<void>;
    beforeAll(async () => {
      const started = await secretive(on);
      ({ servers, dispose } = started);
      place = started;
    });
    afterAll(async () => await dispose());

    // The last case kills the servers.
    it.each<[string, string, RegExp, () => Promise<unknown>]>([
      ["a wrong password", PASSWORD, /UNAUTHORIZED|UNAVAILABLE/, async () => undefined],
      ["a full server", RIGHT, /CAPACITY/, filled],
      ["killed servers", RIGHT, /UNAVAILABLE/, killed],
    ])("by errors that come of %s", async (_what, password, codes, harm) => {
      await inUse(openings[on], place, password, async (opened) => {
        await harm();
        await expectSilence(opened, codes);
      });
    });

    async function killed(): Promise<void> {
      for (const server of servers) await server.kill();
    }

    async function filled(): Promise<void> {
      for (const server of servers) await server.command("CONFIG", "SET", "maxmemory", "1");
    }
  },
);

it("errors show no password and no text of a message if the server quotes its commands", async () => {
  const args = ["EVALSHA", "LRANGE"].flatMap((command) => ["--rename-command", command, ""]);
  await using server = await startRedis({ args: [...args, "--requirepass", RIGHT], password: RIGHT });
  // The server quotes them in the error that the client gets.
  const asked = ["EVALSHA", "0".repeat(40), "1", "s:a", "0".repeat(16), "0".repeat(24), JSON.stringify([said])];
  expect(String(await rejectionOf(server.command(...asked)))).toContain(SECRET);
  await inUse(openings.server, { addr: server.addr, nodes: [], name: "" }, RIGHT, (opened) =>
    expectSilence(opened, /NOT_SUPPORTED/),
  );
});

interface InUse extends Awaited<ReturnType<Opening>> {
  name: string;
}

/** Runs `run` with backends on all these clients, each of which was used before. */
async function inUse(
  opening: Record<string, Opening>,
  place: Secretive,
  password: string,
  run: (opened: readonly InUse[]) => Promise<void>,
): Promise<void> {
  const opened = await Promise.all(
    Object.entries(opening).map(async ([name, open]) => ({ name, ...(await open(place, password)) })),
  );
  try {
    await Promise.allSettled(opened.map(({ backend }) => backend.ping()));
    await run(opened);
  } finally {
    for (const { backend, close } of opened) {
      await backend.close();
      await close();
    }
  }
}

/** Checks the error of the first call, an append, and that no error and no backend shows a secret. */
async function expectSilence(opened: readonly InUse[], codes: RegExp): Promise<void> {
  const found = await Promise.all(
    opened.map(async ({ name, backend }) => {
      const errors = await failures(backend);
      const { code = "", message } = errors[0] as { code?: string; message: string };
      return {
        name,
        ...(!codes.test(code) && { message }),
        code,
        shows: [backend, ...errors].map(shown).filter((one) => one.includes(SECRET)),
      };
    }),
  );
  expect(found).toEqual(found.map(({ name }) => ({ name, code: expect.stringMatching(codes), shows: [] })));
}

interface StartedSecretive extends Secretive {
  servers: readonly RedisServer[];
  dispose(): PromiseLike<void>;
}

async function secretive(on: "server" | "sentinels" | "cluster"): Promise<StartedSecretive> {
  const password = RIGHT;
  if (on === "server") {
    const server = await startRedis({ args: ["--requirepass", password], password });
    const dispose = (): PromiseLike<void> => server[Symbol.asyncDispose]();
    return { addr: server.addr, nodes: [], name: "", servers: [server], dispose };
  }
  const set = on === "cluster" ? await startCluster({ password }) : await startSentinels({ password, replicas: 1 });
  const dispose = (): PromiseLike<void> => set[Symbol.asyncDispose]();
  const told = "sentinels" in set ? { nodes: set.sentinels, name: set.name } : { nodes: set.nodes, name: "" };
  return { addr: "", ...told, servers: set.servers, dispose };
}

/** Settings of clients that must not change what a backend does. */
interface Setting {
  what: string;
  on: "server" | "sentinels" | "cluster";
  open(place: Place): Promise<Client>;
  close(client: never): unknown;
}

const keyPrefix = "app:";
const mapped = {
  typeMapping: {
    [RESP_TYPES.BLOB_STRING]: Buffer,
    [RESP_TYPES.SIMPLE_STRING]: Buffer,
    [RESP_TYPES.VERBATIM_STRING]: Buffer,
    [RESP_TYPES.NUMBER]: String,
  },
} as const;
const destroyed = { close: (client: { destroy(): unknown }) => client.destroy() };
const disconnected = { close: (client: { disconnect(): unknown }) => client.disconnect() };

const settings: Setting[] = [
  ...([2, 3] as const).flatMap((RESP): Setting[] => [
    {
      ...{ what: `node-redis: keyPrefix, typeMapping, RESP ${RESP}`, on: "server", ...destroyed },
      open: async ({ addr }) =>
        createClient({ url: `redis://${addr}`, RESP, keyPrefix, commandOptions: mapped })
          .on("error", quiet)
          .connect(),
    },
    {
      ...{ what: `node-redis pool: keyPrefix, typeMapping, RESP ${RESP}`, on: "server", ...destroyed },
      async open({ addr }) {
        const options = { url: `redis://${addr}`, RESP, keyPrefix, commandOptions: mapped };
        const client = createClientPool(options).on("error", quiet);
        await client.connect();
        return client;
      },
    },
    {
      ...{ what: `node-redis sentinel: keyPrefix, typeMapping, RESP ${RESP}`, on: "sentinels", ...destroyed },
      open: async ({ name, nodes, proxies }) =>
        createSentinel({
          ...{ name, sentinelRootNodes: [...nodes], nodeAddressMap: { ...proxies.addressMap } },
          ...{ RESP, keyPrefix, commandOptions: mapped },
        })
          .on("error", quiet)
          .connect(),
    },
    {
      ...{ what: `node-redis cluster: keyPrefix, typeMapping, RESP ${RESP}`, on: "cluster", ...destroyed },
      open: async ({ nodes, proxies }) =>
        createCluster({
          ...{ rootNodes: nodes.map((socket) => ({ socket })), nodeAddressMap: { ...proxies.addressMap } },
          ...{ RESP, keyPrefix, commandOptions: mapped },
        })
          .on("error", quiet)
          .connect(),
    },
  ]),
  {
    ...{ what: "node-redis cluster: typeMapping of its nodes", on: "cluster", ...destroyed },
    open: async ({ nodes, proxies }) => {
      const defaults = { commandOptions: mapped } as object; // missing in the client's types, but passed on
      const rootNodes = nodes.map((socket) => ({ socket }));
      return createCluster({ rootNodes, nodeAddressMap: { ...proxies.addressMap }, defaults })
        .on("error", quiet)
        .connect();
    },
  },
  {
    ...{ what: "node-redis sentinel: typeMapping of its nodes, and replicas that may be read", on: "sentinels" },
    ...destroyed,
    open: async ({ name, nodes, proxies }) => {
      const nodeClientOptions = { commandOptions: mapped } as object; // as above
      const rest = { name, sentinelRootNodes: [...nodes], nodeAddressMap: { ...proxies.addressMap } };
      return createSentinel({ ...rest, nodeClientOptions, replicaPoolSize: 1, reserveClient: true })
        .on("error", quiet)
        .connect();
    },
  },
  ...(
    [
      ["5", Redis, Cluster, {}],
      ["6", ioredis6.Redis as unknown as typeof Redis, ioredis6.Cluster as unknown as typeof Cluster, { protocol: 2 }],
      [
        "6, RESP 3",
        ioredis6.Redis as unknown as typeof Redis,
        ioredis6.Cluster as unknown as typeof Cluster,
        { protocol: 3, replyMapping: "resp3" },
      ],
    ] as const
  ).flatMap(([version, RedisOf, ClusterOf, protocol]): Setting[] => {
    const own = { ...protocol, keyPrefix, stringNumbers: true };
    return [
      {
        ...{ what: `ioredis ${version}: keyPrefix, pipelining, lazyConnect`, on: "server", ...disconnected },
        open: async ({ addr }) =>
          new RedisOf(`redis://${addr}`, { ...own, enableAutoPipelining: true, lazyConnect: true }).on("error", quiet),
      },
      {
        ...{ what: `ioredis ${version}: no queue while offline`, on: "server", ...disconnected },
        async open({ addr }) {
          const client = new RedisOf(`redis://${addr}`, { ...own, enableOfflineQueue: false }).on("error", quiet);
          await once(client, "ready");
          return client;
        },
      },
      {
        ...{ what: `ioredis ${version} sentinels: keyPrefix, pipelining, lazyConnect`, on: "sentinels" },
        ...disconnected,
        async open({ name, nodes, proxies }) {
          const rest = { name, sentinels: [...nodes], natMap: { ...proxies.addressMap } };
          return new RedisOf({ ...own, ...rest, enableAutoPipelining: true, lazyConnect: true }).on("error", quiet);
        },
      },
      {
        ...{ what: `ioredis ${version} cluster: keyPrefix, pipelining, lazyConnect`, on: "cluster", ...disconnected },
        async open({ nodes, proxies }) {
          const rest = { natMap: { ...proxies.addressMap }, enableAutoPipelining: true, lazyConnect: true };
          return new ClusterOf([...nodes], { ...rest, keyPrefix, redisOptions: own }).on("error", quiet);
        },
      },
      {
        ...{ what: `ioredis ${version} cluster: no queue while offline`, on: "cluster", ...disconnected },
        async open({ nodes, proxies }) {
          const rest = { natMap: { ...proxies.addressMap }, enableOfflineQueue: false };
          const client = new ClusterOf([...nodes], { ...rest, keyPrefix, redisOptions: own }).on("error", quiet);
          await once(client, "ready");
          return client;
        },
      },
    ];
  }),
];

describe.each(["server", "sentinels", "cluster"] as const)("settings of a client change nothing, on %s", (on) => {
  let place: Place;
  beforeAll(async () => {
    place = await places[on]();
  });
  afterAll(async () => await place[Symbol.asyncDispose]());

  it.each(settings.filter((one) => one.on === on).map((one) => [one.what, one] as const))("%s", async (what, one) => {
    const client = await one.open(place);
    try {
      const prefix = `${what} [*?]:`;
      const options = { prefix, ttl: "1h", index: true, timeoutMs: 20_000 } as const;
      expect(await session(RedisBackend.fromClient(client, options), place, prefix)).toEqual(sessionAsItIsToBe(prefix));
      const durable: RedisMemoryOptions = {
        ...options,
        durability: { replicas: 1, timeoutMs: on === "sentinels" ? 10_000 : 1 },
      };
      // With this setting, the client returns the replies to its commands in another way.
      const appended = RedisBackend.fromClient<Note>(client, durable).append("durable", notes(0, 1));
      if (on === "sentinels") expect(await appended).toEqual(expect.any(String));
      else expect(await rejectionOf(appended)).toMatchObject({ code: "DURABILITY", outcome: "applied" });
      expect(await place.keys(patternOf(prefix))).toEqual([`${prefix}durable`]);
      expect(await place.keys(keyPrefix)).toEqual([]);
      await place.command(`${prefix}durable`, "DEL", `${prefix}durable`);
    } finally {
      one.close(client as never); // the client that `one` opened
    }
  });
});

const spoken: Note[] = [
  { n: 1, text: "grüße 👋" },
  { n: 2, text: "" },
];

/** The result of each call, without the parts that differ each time. */
async function session(backend: RedisBackend<Note>, place: Place, prefix: string): Promise<object> {
  const first = await backend.append("a", spoken);
  const second = await backend.append("a", notes(3, 1), { since: first, expectedRevision: first });
  await backend.save("b/ü", notes(0, 1));
  const info = await backend.info("a");
  const keys = [...(await place.keys(patternOf(prefix))), ...(await place.keys(patternOf(`@recent:${prefix}`)))].sort();
  await place.command(`${prefix}c`, "HSET", `${prefix}c`, "field", "value");
  const newest = await backend.read("a", { last: 1 });
  const results = {
    revisions: [typeof first, typeof second, first === second],
    keys,
    load: await backend.load("a"),
    absent: await backend.load("nobody"),
    last: newest?.records,
    since: (await backend.read("a", { since: first }))?.records,
    before: (await backend.read("a", { before: String(newest?.start), last: 5 }))?.records,
    revision: (await backend.read("a"))?.revision === second,
    list: (await backend.list()).sort(),
    recent: (await backend.recent?.({ limit: 2 }))?.memories.map(({ memoryId, updatedAt }) => [
      memoryId,
      typeof updatedAt,
    ]),
    info:
      info && Object.entries(info).map(([name, value]) => [name, name === "records" ? value : Number.isInteger(value)]),
    touch: await backend.touch("a"),
    toLive: Number(await place.command(`${prefix}a`, "PTTL", `${prefix}a`)) > 3_500_000,
    conflict: await codeOf(backend.append("a", notes(9, 1), { expectedRevision: null })),
    foreign: await codeOf(backend.load("c")),
    ping: (await backend.ping()).latencyMs > 0,
  };
  await place.command(`${prefix}c`, "DEL", `${prefix}c`);
  for (const memoryId of ["a", "b/ü"]) await backend.delete(memoryId);
  return { ...results, left: await backend.list(), leftKeys: await place.keys(patternOf(prefix)) };
}

function sessionAsItIsToBe(prefix: string): object {
  return {
    revisions: ["string", "string", false],
    keys: [`${prefix}a`, `${prefix}b/ü`, `@recent:${prefix}`].sort(),
    load: [...spoken, ...notes(3, 1)],
    absent: null,
    last: notes(3, 1),
    since: notes(3, 1),
    before: spoken,
    revision: true,
    list: ["a", "b/ü"], // and not the hash
    recent: [
      ["b/ü", "number"],
      ["a", "number"],
    ],
    info: expect.arrayContaining([
      ["records", 3],
      ["createdAt", true],
      ["updatedAt", true],
      ["bytes", true],
      ["expiresAt", true],
    ]),
    touch: undefined,
    toLive: true,
    conflict: "CONFLICT",
    foreign: "CORRUPT",
    ping: true,
    left: [],
    leftKeys: [],
  };
}

async function codeOf(call: Promise<unknown>): Promise<unknown> {
  const error = await rejectionOf(call);
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** Escapes a text for the pattern of KEYS. */
function patternOf(beginning: string): string {
  return beginning.replace(/[\\*?[]/g, "\\$&");
}
