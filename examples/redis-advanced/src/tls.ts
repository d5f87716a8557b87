import { readFile } from "node:fs/promises";
import { RedisBackend } from "@deep-agent/redis";

/** Connects by TLS to a server whose certificate a private authority has signed. */
export async function overTls(url: string | undefined, caFile: string | undefined): Promise<void> {
  if (!url) {
    console.log(
      "TLS: skipped. Set REDIS_TLS_URL to a server (rediss://…), and REDIS_TLS_CA to the file of its authority.",
    );
    return;
  }
  await using backend = new RedisBackend({ url, tls: caFile ? { ca: await readFile(caFile, "utf8") } : true });
  await backend.ping();
  console.log("TLS: the server's certificate is good.");
}
