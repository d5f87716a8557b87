import { modelFromEnvironment } from "@deep-agent-examples/offline-model";
import { remember } from "./remember.ts";
import { showMemory } from "./show-memory.ts";

// Without an API key, the offline model answers.
await using model = await modelFromEnvironment();
const url = process.env["DEEP_AGENT_BACKEND"] || "redis://localhost:6379";
try {
  await remember(url, model);
  await showMemory(url, "user-alice");
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
