/*
 * What an import of this package does not load: whoever writes an adapter, or has a model loop of their own, needs nothing of it. It is
 * loaded whole, by `import("./lazy-chunk.ts")`, where something of it is first needed.
 */
export { runTurn, savesFailed } from "./agent/run-turn.ts";
export { configuredBackend } from "./open/make-backend.ts";
export { appendBySave, readByLoad } from "./conversation/emulated-log.ts";
export { OpenAIRequests } from "./model/openai/requests.ts";
