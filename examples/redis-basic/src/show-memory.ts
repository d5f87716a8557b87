import { createClient } from "@redis/client";

/** Shows a memory as any Redis client sees it. */
export async function showMemory(url: string, memoryId: string): Promise<void> {
  const [server = "", options] = url.split("?");
  const key = `${new URLSearchParams(options).get("prefix") ?? "deep-agent:memories:"}${memoryId}`;
  const client = createClient({ url: server });
  client.on("error", (error) => console.error(String(error)));
  await client.connect();
  try {
    console.log(`\n> TTL ${key}\n${await client.ttl(key)}`);
    console.log(`> LRANGE ${key} 0 -1`);
    for (const [place, element] of (await client.lRange(key, 0, -1)).entries()) console.log(`${place}) ${element}`);
  } finally {
    client.destroy();
  }
}
