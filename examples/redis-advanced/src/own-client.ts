import { user } from "@deep-agent/core";
import { RedisBackend } from "@deep-agent/redis";
import { createClient } from "@redis/client";

/** An application shares its own client with the backend. The application closes the client. */
export async function ownClient(url: string): Promise<void> {
  const client = createClient({ url });
  client.on("error", (error) => console.error(String(error)));
  await client.connect();

  const backend = RedisBackend.fromClient(client, { ttl: "1h" });
  await backend.append("shared-client", [user("Hello")]);
  await backend.close();
  console.log(`Own client: it is ${client.isOpen ? "still open" : "closed"}.`);
  client.destroy();
}
