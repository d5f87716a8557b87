import type { RedisServer } from "./redis-server.ts";

/** How a server takes part in replication, as it says itself. */
export interface Replication {
  role: "master" | "slave";
  /** Whether it has all that its master had, and hears of more. */
  isLinkUp: boolean;
  /** How many replicas hear from it of all that is written. */
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
