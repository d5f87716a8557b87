import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";

/** How long a ready server may take to answer, in ms. */
const ANSWER_LIMIT = 1_000;

/** A sentinel's report about a server or another sentinel: its fields by name. */
export type SentinelReport = Readonly<Record<string, string>>;

/**
 * Throws what is still missing, until one server is the master of all others and the sentinels agree about all of them.
 */
export async function checkReadiness(
  name: string,
  servers: readonly RedisServer[],
  sentinels: readonly RedisServer[],
): Promise<void> {
  await checkReplication(servers);
  const masters = await Promise.all(
    sentinels.map((sentinel) => masterOf(name, sentinel, servers.length - 1, sentinels.length - 1)),
  );
  for (const [index, port] of masters.entries()) {
    const { role } = await replicationOf(serverAt(port, servers), ANSWER_LIMIT);
    if (port !== masters[0] || role !== "master")
      throw new Error(`${sentinels[index]?.addr} reports port ${port} as the master.`);
  }
}

/** The server on that port. */
export function serverAt(port: string | undefined, servers: readonly RedisServer[]): RedisServer {
  const server = servers.find((each) => String(each.port) === port);
  if (server === undefined) throw new Error(`A sentinel named a server on port ${port}, which is not one of this set.`);
  return server;
}

/** Throws what is still missing, until one server is the master and all others receive what it writes. */
export async function checkReplication(servers: readonly RedisServer[]): Promise<void> {
  const all = await Promise.all(servers.map((server) => replicationOf(server, ANSWER_LIMIT)));
  const [master, second] = all.filter(({ role }) => role === "master");
  if (master === undefined || second !== undefined) throw new Error("There must be exactly one master.");
  const online = Math.min(master.onlineReplicas, all.filter(({ isLinkUp }) => isLinkUp).length);
  if (online < servers.length - 1) throw new Error(`Of ${servers.length - 1} replicas, ${online} are online.`);
}

/** The port of the server that the sentinel holds to be the master. Throws if the sentinel reports a problem. */
async function masterOf(name: string, sentinel: RedisServer, replicas: number, others: number): Promise<string> {
  const ask = (what: string): Promise<unknown> => sentinel.ask(["SENTINEL", what, name], { limitMs: ANSWER_LIMIT });
  const expect = (what: string, all: readonly SentinelReport[], count: number, flags: string): void => {
    const good = all.filter((report) => report["flags"] === flags);
    if (good.length === count && all.length === count) return;
    const found = all.map((report) => `${report["port"]} ${report["flags"]}`).join("; ");
    throw new Error(`${sentinel.addr} must report ${count} ${what} with flags ${flags}, but reports: ${found}`);
  };
  // The casts below are what a sentinel answers to these commands.
  const master = (await ask("MASTER")) as SentinelReport;
  expect("masters", [master], 1, "master");
  expect("other sentinels", (await ask("SENTINELS")) as SentinelReport[], others, "sentinel");
  const reports = (await ask("REPLICAS")) as SentinelReport[];
  expect("replicas", reports, replicas, "slave");
  for (const report of reports) {
    if (report["master-link-status"] !== "ok" || report["master-port"] !== master["port"]) {
      throw new Error(`${sentinel.addr} reports that ${report["port"]} is not linked to ${master["port"]} yet.`);
    }
  }
  return master["port"] ?? "";
}
