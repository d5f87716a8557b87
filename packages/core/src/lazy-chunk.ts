/*
 * A build artefact, not a concept: what an import of this package does not load. Adapters, and those with a model loop of their
 * own, need nothing of it. It is loaded whole, by `import("./lazy-chunk.ts")`, when something of it is first needed: one chunk
 * for all rooms is smaller than one for each. It is the only file that rooms may import although it looks up at them.
 */
export { runTurn } from "./agent/run-turn.ts";
export { savesFailed } from "./agent/turn-target.ts";
export { appendBySave, readByLoad } from "./conversation/emulated-log.ts";
export { OpenAIRequests } from "./model/openai/requests.ts";
export { makeBackend } from "./open/make-backend.ts";
