import { modelFromEnvironment } from "@deep-agent-examples/offline-model";
import { health } from "./health.ts";
import { manualSave } from "./manual-save.ts";
import { ownClient } from "./own-client.ts";
import { tenants } from "./tenants.ts";
import { timeToLive } from "./time-to-live.ts";
import { overTls } from "./tls.ts";

// The parts do not depend on each other. Without an API key, the offline model answers.
await using model = await modelFromEnvironment();
const { DEEP_AGENT_BACKEND, REDIS_TLS_URL, REDIS_TLS_CA } = process.env;
const url = DEEP_AGENT_BACKEND || "redis://localhost:6379";
try {
  await health(url);
  await timeToLive(url, model);
  await tenants(url);
  await ownClient(url);
  await manualSave(url, model);
  await overTls(REDIS_TLS_URL, REDIS_TLS_CA);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
