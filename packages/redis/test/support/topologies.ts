import {
  certificates,
  type LossyProxies,
  type RedisServer,
  startCluster,
  startProxies,
  startRedis,
  startSentinels,
  type TestCluster,
} from "@deep-agent/test-redis";
import { createClient, createClientPool, createCluster, createSentinel } from "@redis/client";
import { Cluster, Redis } from "ioredis";
import * as ioredis6 from "ioredis-6";
import { RedisBackend, type RedisMemoryOptions } from "../../src/index.ts";

/** Servers, and proxies between clients and servers that can lose commands. */
interface Servers extends AsyncDisposable {
  /** The servers at the start, masters first. */
  readonly servers: readonly RedisServer[];
  readonly proxies: LossyProxies;
  /** Sends a command to the master that has the key. */
  command(key: string, ...words: string[]): Promise<unknown>;
  /** All keys on all servers that begin with a text. */
  keys(beginning: string): Promise<string[]>;
}

/** Servers of one kind, with the addresses for clients. */
export interface Place extends Servers {
  readonly addr: string;
  readonly nodes: readonly { host: string; port: number }[];
  readonly name: string;
  readonly password?: string;
  readonly ca?: string;
}

/** A client that is ready for use, and how to close it. */
interface Opened {
  backend<T extends object>(options: RedisMemoryOptions): RedisBackend<T>;
  close(): Promise<unknown> | unknown;
  /** The client that was passed to `fromClient`. */
  client?: unknown;
}

/** A kind of client, on a kind of servers. */
export interface Topology {
  readonly name: string;
  readonly on: keyof typeof places;
  open(place: Place): Promise<Opened>;
}

const quick = { commandOptions: { timeout: 2_000 }, disableClientInfo: true } as const;
const quiet = (): void => undefined;

/** The clients and topologies that the backend supports. */
export const topologies: readonly Topology[] = [
  { name: "own connections", on: "server", open: async ({ addr }) => own({ addr }) },
  { name: "own, without HELLO", on: "server", open: async ({ addr }) => own({ addr, protocol: 2 }) },
  {
    name: "node-redis client",
    on: "server",
    async open({ addr }) {
      const client = createClient({ url: `redis://${addr}`, ...quick }).on("error", quiet);
      await client.connect();
      return given(client, () => client.destroy());
    },
  },
  {
    name: "node-redis pool",
    on: "server",
    async open({ addr }) {
      const client = createClientPool({ url: `redis://${addr}`, ...quick }, { maximum: 4 }).on("error", quiet);
      await client.connect();
      return given(client, () => client.destroy());
    },
  },
  {
    name: "ioredis 5",
    on: "server",
    async open({ addr }) {
      const client = new Redis(`redis://${addr}`).on("error", quiet);
      return given(client, () => client.disconnect());
    },
  },
  {
    name: "ioredis 6",
    on: "server",
    async open({ addr }) {
      const client = new ioredis6.Redis(`redis://${addr}`).on("error", quiet);
      return given(client, () => client.disconnect());
    },
  },
  {
    name: "own, TLS and ACL",
    on: "tls",
    open: async ({ addr, ca, password }) => own({ url: `rediss://agent:${password}@${addr}`, tls: { ca } }),
  },
  {
    name: "own sentinels",
    on: "sentinels",
    open: async ({ name, nodes, proxies }) => own({ sentinel: { name, nodes: nodes.map(shown) }, ...mapOf(proxies) }),
  },
  {
    name: "node-redis sentinel",
    on: "sentinels",
    async open({ name, nodes, proxies }) {
      const client = createSentinel({
        name,
        sentinelRootNodes: [...nodes],
        nodeAddressMap: { ...proxies.addressMap },
        nodeClientOptions: quick,
        scanInterval: 500,
      }).on("error", quiet);
      await client.connect();
      return given(client, () => client.destroy());
    },
  },
  {
    name: "ioredis sentinels",
    on: "sentinels",
    async open({ name, nodes, proxies }) {
      const client = new Redis({ name, sentinels: [...nodes], natMap: { ...proxies.addressMap } }).on("error", quiet);
      return given(client, () => client.disconnect());
    },
  },
  {
    name: "own cluster",
    on: "cluster",
    open: async ({ nodes, proxies }) => own({ cluster: nodes.map(shown), ...mapOf(proxies) }),
  },
  {
    name: "node-redis cluster",
    on: "cluster",
    async open({ nodes, proxies }) {
      const client = createCluster({
        rootNodes: nodes.map((socket) => ({ socket })),
        nodeAddressMap: { ...proxies.addressMap },
        defaults: quick,
      }).on("error", quiet);
      await client.connect();
      return given(client, () => client.destroy());
    },
  },
  {
    name: "ioredis 5 cluster",
    on: "cluster",
    async open({ nodes, proxies }) {
      const client = new Cluster([...nodes], { natMap: { ...proxies.addressMap } }).on("error", quiet);
      return given(client, () => client.disconnect());
    },
  },
  {
    name: "ioredis 6 cluster",
    on: "cluster",
    async open({ nodes, proxies }) {
      const client = new ioredis6.Cluster([...nodes], { natMap: { ...proxies.addressMap } }).on("error", quiet);
      return given(client, () => client.disconnect());
    },
  },
];

/** Starts servers of a kind, with proxies that lose the commands that a test wants lost. */
export const places = {
  async server(): Promise<Place> {
    const server = await startRedis();
    const proxies = await startProxies([server]);
    return place({ servers: [server], proxies, addr: through(proxies, server), disposables: [server] });
  },
  async tls(): Promise<Place> {
    const keys = await certificates();
    const password = "s3cret-of-agent";
    const rights = ["agent", "on", `>${password}`, "~own*", "~@recent:own*", "-@all", ...PERMISSIONS.split(" ")];
    const server = await startRedis({
      args: (port) => [...keys.serverArgs(port), "--user", ...rights],
      tls: { ca: keys.ca },
    });
    const proxies = await startProxies([server]); // these cannot read encrypted commands
    return place({
      ...{ servers: [server], proxies, addr: server.addr, disposables: [server, keys] },
      ...{ password, ca: keys.ca },
    });
  },
  async sentinels(): Promise<Place> {
    const set = await startSentinels();
    const proxies = await startProxies(set.servers);
    return place({ servers: set.servers, proxies, name: set.name, nodes: set.sentinels, disposables: [set] });
  },
  async cluster(options: Parameters<typeof startCluster>[0] = {}): Promise<Place> {
    const cluster = await startCluster(options);
    const proxies = await startProxies(cluster.servers);
    return place({ servers: cluster.servers, proxies, nodes: cluster.nodes, cluster, disposables: [cluster] });
  },
};

/** The rights that a user needs, as in docs/redis.md, without the keys. */
export const PERMISSIONS: string = [
  "+hello +ping +time +type +scan +eval +evalsha",
  "+lindex +llen +lrange +lset +ltrim +rpush +get +unlink +pexpire +persist +pttl +memory|usage",
  "+zadd +zrem +zrange +zrandmember +zscore",
].join(" ");

/** The further rights on a cluster, and with sentinels. */
export const CLUSTER_PERMISSIONS = "+cluster|slots +cluster|nodes +cluster|getkeysinslot +asking +readonly";
export const SENTINEL_PERMISSIONS = "+role";

function own(options: ConstructorParameters<typeof RedisBackend>[0] & object): Opened {
  return {
    backend: <T extends object>(more: RedisMemoryOptions) => new RedisBackend<T>({ ...options, ...more }),
    close: () => undefined,
  };
}

function given(client: Parameters<typeof RedisBackend.fromClient>[0], close: () => unknown): Opened {
  return {
    backend: <T extends object>(options: RedisMemoryOptions) => RedisBackend.fromClient<T>(client, options),
    close,
    client,
  };
}

interface Parts extends Partial<Omit<Place, "servers" | "proxies">> {
  servers: readonly RedisServer[];
  proxies: LossyProxies;
  cluster?: TestCluster;
  disposables: readonly AsyncDisposable[];
}

function place({ cluster, disposables, ...parts }: Parts): Place {
  const masters = async (): Promise<readonly RedisServer[]> => (await cluster?.masters()) ?? parts.servers.slice(0, 1);
  return {
    addr: "",
    nodes: [],
    name: "",
    ...parts,
    async command(key, ...words) {
      const server = (await cluster?.masterOf(key)) ?? parts.servers[0];
      return server?.command(...words);
    },
    async keys(beginning) {
      const found = (await masters()).map((server) => server.command("KEYS", `${beginning}*`) as Promise<string[]>);
      return (await Promise.all(found)).flat();
    },
    async [Symbol.asyncDispose]() {
      await parts.proxies[Symbol.asyncDispose]();
      for (const disposable of disposables) await disposable[Symbol.asyncDispose]();
    },
  };
}

function through(proxies: LossyProxies, server: RedisServer): string {
  const { host, port } = proxies.addressMap[server.addr] ?? server;
  return `${host}:${port}`;
}

function mapOf(proxies: LossyProxies): { addressMap: Record<string, string> } {
  return {
    addressMap: Object.fromEntries(Object.entries(proxies.addressMap).map(([from, to]) => [from, shown(to)])),
  };
}

function shown({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`;
}
