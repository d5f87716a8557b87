import { modelFromEnvironment } from "@deep-agent-examples/offline-model";

// The example itself is quick-start.ts, which the README prints. Without an API key, it talks to the offline model.
const model = await modelFromEnvironment();
try {
  if (model.offline) Object.assign(process.env, { OPENAI_API_KEY: model.apiKey, OPENAI_BASE_URL: model.baseURL });
  await import("./quick-start.ts");
} finally {
  await model[Symbol.asyncDispose]();
}
