import { user } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";

/** Tenants share a server, but not their data. Each has its own prefix, set here by a method or by an option. */
export async function tenants(url: string): Promise<void> {
  await using acme = new RedisBackend(url).withPrefix("tenant-acme:").withPoolSize(2);
  await using globex = new RedisBackend({ url, prefix: "tenant-globex:", poolSize: 2 });
  for (const [tenant, backend] of Object.entries({ acme, globex })) {
    await backend.save(`${tenant}-support`, [user(`Hello from ${tenant}`)]);
    console.log(`Tenants: ${tenant} has ${(await backend.list()).join(", ")}.`);
  }
}
