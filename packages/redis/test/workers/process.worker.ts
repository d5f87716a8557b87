import { once } from "node:events";
import { RedisBackend } from "@deep-agent/redis";

// A separate process: leaves its backend open, or goes on while its server is killed.
const [addr = "", prefix = "", mode = ""] = process.argv.slice(2);
const backend = new RedisBackend<{ n: number }>({ addr, prefix, timeoutMs: 5_000 });

if (mode === "leave") {
  await Promise.all([1, 2, 3].map((n) => backend.append("left", [{ n }])));
  console.log((await backend.read("left", { last: 1 }))?.records.length);
  process.disconnect?.();
} else {
  await backend.append("survivor", [{ n: 0 }]);
  process.send?.("idle");
  await once(process, "message");
  let done = false;
  process.once("message", () => {
    done = true;
  });
  process.send?.("busy");
  for (let n = 1; !done; n++) {
    // The append rejects while the server is down.
    await backend.append("survivor", [{ n }]).catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
  }
  await backend.append("survivor", [{ n: -1 }]);
  await backend.close();
  process.disconnect?.();
}
