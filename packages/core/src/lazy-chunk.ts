/*
 * A build artefact, not a concept: the code that an import of this package does not load. Adapters, and applications
 * with their own model loop, need none of it. `import("./lazy-chunk.ts")` loads all of it when a part is first
 * needed: one chunk for all rooms is smaller than one per room. It is the only file that every room may import
 * although it depends on them.
 */
export { runTurn } from "./agent/run-turn.ts";
export { savesFailed, unclearMemory } from "./agent/turn-target.ts";
export { appendBySave, readByLoad } from "./conversation/emulated-log.ts";
export { warnOfLostTurns } from "./conversation/lost-turns-warning.ts";
export { OpenAIRequests } from "./model/openai/requests.ts";
export { makeBackend } from "./open/make-backend.ts";
