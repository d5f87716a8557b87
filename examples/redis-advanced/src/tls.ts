import { readFile } from "node:fs/promises";
import { RedisBackend } from "@deep-agent/redis";

/** A server that is reached by TLS, and whose certificate an authority of one's own has signed. */
export async function overTls(url: string | undefined, caFile: string | undefined): Promise<void> {
  if (!url) {
    console.log("TLS: left out. REDIS_TLS_URL (rediss://…) names a server, REDIS_TLS_CA the file of its authority.");
    return;
  }
  await using backend = new RedisBackend({ url, tls: caFile ? { ca: await readFile(caFile, "utf8") } : true });
  await backend.ping();
  console.log("TLS: the server's certificate is good.");
}
