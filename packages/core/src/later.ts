/*
 * What an import of this package does not load: whoever writes an adapter, or has a model loop of their own, needs nothing of it. It is
 * loaded whole, by `import("./later.ts")`, where something of it is first needed.
 */
export { runTurn, savesFailed } from "./agent-turn.ts";
export { configuredBackend } from "./configured-backend.ts";
export { appendBySave, readByLoad } from "./load-and-save.ts";
export { OpenAIRequests } from "./openai-requests.ts";
