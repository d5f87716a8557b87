import { type NodeLine, nodeLinesOf, SLOTS } from "./cluster-view.ts";
import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";

/** How long a ready server may take to answer, in ms. */
const ANSWER_LIMIT = 1_000;

/**
 * Throws what is still missing, until the servers form one cluster that serves all slots and has every replica in step.
 */
export async function checkReadiness(servers: readonly RedisServer[]): Promise<void> {
  const views = await Promise.all(servers.map((server) => viewOf(server, servers.length)));
  for (const [index, view] of views.entries()) {
    if (view !== views[0]) throw new Error(`${servers[index]?.addr} and ${servers[0]?.addr} see different clusters.`);
  }
  await Promise.all(servers.map(checkReplication));
}

/**
 * The server's view of the cluster, equal for all servers that agree. Throws if the server sees something unfinished.
 */
async function viewOf(server: RedisServer, size: number): Promise<string> {
  const ask = async (what: string): Promise<string> =>
    String(await server.ask(["CLUSTER", what], { limitMs: ANSWER_LIMIT }));
  const info = await ask("INFO");
  const expected = ["cluster_state:ok", `cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${size}`];
  const missing = expected.filter((line) => !info.includes(`${line}\r\n`));
  if (missing.length > 0) throw new Error(`${server.addr} does not report yet: ${missing.join(", ")}.`);
  return nodeLinesOf(await ask("NODES"))
    .map((line) => summaryOf(line, server))
    .sort()
    .join("\n");
}

function summaryOf({ id, flags, isConnected, master, ranges }: NodeLine, viewer: RedisServer): string {
  const role = flags.filter((flag) => flag !== "myself").join();
  if (!isConnected || !/^(master|slave)$/.test(role))
    throw new Error(`${viewer.addr} reports node ${id} as ${role || "without a role"}.`);
  return `${id} ${role} ${master} ${ranges.join(" ")}`;
}

async function checkReplication(server: RedisServer): Promise<void> {
  const { role, isLinkUp } = await replicationOf(server, ANSWER_LIMIT);
  if (role === "slave" && !isLinkUp) throw new Error(`${server.addr} has not caught up with its master yet.`);
}
