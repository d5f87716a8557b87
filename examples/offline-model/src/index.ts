export { type Dialogue, parseDialogues, type RecordedMessage, turnsOf } from "./dialogue.ts";
export { type ModelSettings, modelFromEnvironment } from "./model-from-environment.ts";
export type { ModelServer } from "./model-server.ts";
export { startOfflineModel } from "./offline-model.ts";
export { startReplayModel } from "./replay-model.ts";
