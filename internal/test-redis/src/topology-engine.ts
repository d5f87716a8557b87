import type { Engine } from "./engine.ts";
import { findEngine } from "./find-engine.ts";

/** An engine for servers that talk to each other. Rejects if there is no such engine. */
export async function topologyEngine(given: Engine | undefined): Promise<Engine> {
  const engine = given ?? (await findEngine());
  if (engine.sharesLoopback) return engine;
  throw new Error(
    `Clusters and sentinels need servers that reach each other on 127.0.0.1, but those of ${engine.name} cannot here. ` +
      "Install redis-server, or set REDIS_SERVER to the path of the program.",
  );
}
