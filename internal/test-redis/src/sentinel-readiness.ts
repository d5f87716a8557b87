import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";

/** How long a server that is ready may take to answer, in ms. */
const ANSWER_LIMIT = 1_000;

/** What a sentinel says of a server or of another sentinel, by the names of its fields. */
export type SentinelReport = Readonly<Record<string, string>>;

/** Throws what is still missing until one of the servers is the master of all others, and the sentinels agree about all. */
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
      throw new Error(`To ${sentinels[index]?.addr} the master is ${port}.`);
  }
}

/** The server on that port. */
export function serverAt(port: string | undefined, servers: readonly RedisServer[]): RedisServer {
  const server = servers.find((each) => String(each.port) === port);
  if (server === undefined) throw new Error(`A sentinel speaks of a server on port ${port}, which is none of these.`);
  return server;
}

/** Throws what is still missing until all others hear from one of them what is written. */
export async function checkReplication(servers: readonly RedisServer[]): Promise<void> {
  const all = await Promise.all(servers.map((server) => replicationOf(server, ANSWER_LIMIT)));
  const [master, second] = all.filter(({ role }) => role === "master");
  if (master === undefined || second !== undefined) throw new Error("There is not one master.");
  const online = Math.min(master.onlineReplicas, all.filter(({ isLinkUp }) => isLinkUp).length);
  if (online < servers.length - 1) throw new Error(`Of ${servers.length - 1} replicas, ${online} are online.`);
}

/** The port of the one that the sentinel takes for the master. Throws where it does not find everything well. */
async function masterOf(name: string, sentinel: RedisServer, replicas: number, others: number): Promise<string> {
  const ask = (what: string): Promise<unknown> => sentinel.ask(["SENTINEL", what, name], { limitMs: ANSWER_LIMIT });
  const expect = (what: string, all: readonly SentinelReport[], count: number, flags: string): void => {
    const good = all.filter((report) => report["flags"] === flags);
    if (good.length === count && all.length === count) return;
    const found = all.map((report) => `${report["port"]} ${report["flags"]}`).join("; ");
    throw new Error(`To ${sentinel.addr} the ${what} are not ${count} ${flags}, but: ${found}`);
  };
  // All this is what a sentinel answers to these.
  const master = (await ask("MASTER")) as SentinelReport;
  expect("masters", [master], 1, "master");
  expect("other sentinels", (await ask("SENTINELS")) as SentinelReport[], others, "sentinel");
  const reports = (await ask("REPLICAS")) as SentinelReport[];
  expect("replicas", reports, replicas, "slave");
  for (const report of reports) {
    if (report["master-link-status"] !== "ok" || report["master-port"] !== master["port"]) {
      throw new Error(`To ${sentinel.addr}, ${report["port"]} is not yet linked to ${master["port"]}.`);
    }
  }
  return master["port"] ?? "";
}
