import type { RedisServer } from "./redis-server.ts";

/** How a server takes part in replication, according to its own report. */
export interface Replication {
  role: "master" | "slave";
  /** Whether the server has all of its master's data, and receives what is written next. */
  isLinkUp: boolean;
  /** How many replicas receive from the server everything that is written. */
  onlineReplicas: number;
}

export async function replicationOf(server: RedisServer, limitMs: number): Promise<Replication> {
  const info = String(await server.ask(["INFO", "replication"], { limitMs }));
  return {
    role: /^role:master\r$/m.test(info) ? "master" : "slave",
    isLinkUp: /^master_link_status:up\r$/m.test(info),
    onlineReplicas: info.match(/^slave\d+:.*state=online/gm)?.length ?? 0,
  };
}
