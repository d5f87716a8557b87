import { modelFromEnvironment } from "@deep-agent-examples/offline-model";
import { remember } from "./remember.ts";
import { whatLiesThere } from "./what-lies-there.ts";

// Without an API key it talks to the offline model.
await using model = await modelFromEnvironment();
const url = process.env["DEEP_AGENT_BACKEND"] || "redis://localhost:6379";
try {
  await remember(url, model);
  await whatLiesThere(url, "user-alice");
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
