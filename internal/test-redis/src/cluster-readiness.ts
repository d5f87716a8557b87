import { type NodeLine, nodeLinesOf, SLOTS } from "./cluster-view.ts";
import type { RedisServer } from "./redis-server.ts";
import { replicationOf } from "./replication.ts";

/** How long a server that is ready may take to answer, in ms. */
const ANSWER_LIMIT = 1_000;

/** Throws what is still missing until all of these make one cluster that serves all slots, with every replica in step. */
export async function checkReadiness(servers: readonly RedisServer[]): Promise<void> {
  const views = await Promise.all(servers.map((server) => viewOf(server, servers.length)));
  for (const [index, view] of views.entries()) {
    if (view !== views[0]) throw new Error(`${servers[index]?.addr} sees another cluster than ${servers[0]?.addr}.`);
  }
  await Promise.all(servers.map(checkReplication));
}

/** What the server thinks of the cluster, equal for all that agree. Throws where it sees something unfinished. */
async function viewOf(server: RedisServer, size: number): Promise<string> {
  const ask = async (what: string): Promise<string> =>
    String(await server.ask(["CLUSTER", what], { limitMs: ANSWER_LIMIT }));
  const info = await ask("INFO");
  const expected = ["cluster_state:ok", `cluster_slots_ok:${SLOTS}`, `cluster_known_nodes:${size}`];
  const missing = expected.filter((line) => !info.includes(`${line}\r\n`));
  if (missing.length > 0) throw new Error(`To ${server.addr} it is not yet ${missing.join(", ")}.`);
  return nodeLinesOf(await ask("NODES"))
    .map((line) => summaryOf(line, server))
    .sort()
    .join("\n");
}

function summaryOf({ id, flags, isConnected, master, ranges }: NodeLine, viewer: RedisServer): string {
  const role = flags.filter((flag) => flag !== "myself").join();
  if (!isConnected || !/^(master|slave)$/.test(role))
    throw new Error(`To ${viewer.addr}, ${id} is ${role || "nothing"}.`);
  return `${id} ${role} ${master} ${ranges.join(" ")}`;
}

async function checkReplication(server: RedisServer): Promise<void> {
  const { role, isLinkUp } = await replicationOf(server, ANSWER_LIMIT);
  if (role === "slave" && !isLinkUp) throw new Error(`${server.addr} does not yet have what its master has.`);
}
