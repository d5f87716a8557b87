import { user } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";

/** Tenants share a server, and see nothing of each other: each has a prefix. */
export async function tenants(url: string): Promise<void> {
  for (const tenant of ["acme", "globex"]) {
    // The same by options: new RedisBackend({ url, prefix: `tenant-${tenant}:`, poolSize: 2 })
    await using backend = new RedisBackend(url).withPrefix(`tenant-${tenant}:`).withPoolSize(2);
    await backend.append(`${tenant}-support`, [user(`Hello from ${tenant}`)]);
    console.log(`Tenants: ${tenant} has ${(await backend.list()).join(", ")}.`);
  }
}
