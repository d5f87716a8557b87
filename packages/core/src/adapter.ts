/*
 * For authors of adapters, layers and bridges: the contract, and the parts to make an adapter with. It loads no
 * agent, no conversation and no model.
 */
export { closed, conflict, type ErrorChanges, errorWith, invalidCursor } from "./adapter-kit/adapter-errors.ts";
export { CallTracker } from "./adapter-kit/call-tracker.ts";
export {
  checkAppend,
  checkCall,
  checkList,
  checkOptions,
  checkPlainSave,
  checkRead,
  checkRecent,
  checkSave,
} from "./adapter-kit/check-arguments.ts";
export { decodeEntry, type Entry, encodeEntry, entryPrefix } from "./adapter-kit/entry.ts";
export { checkOptionNames } from "./adapter-kit/option-names.ts";
export { mayHaveTakenEffect, withUnknownOutcome } from "./adapter-kit/outcomes.ts";
export { encodeRecords, parseJson } from "./adapter-kit/records.ts";
export { type Operation, type StoreOnceOptions, storeOnce } from "./adapter-kit/store-once.ts";
export { parseTtl, type Ttl } from "./adapter-kit/ttl.ts";
export { type Warn, warnOf } from "./adapter-kit/warnings.ts";
export { type EntryRange, windowStart } from "./adapter-kit/window-start.ts";
export { KeyedQueue } from "./concurrency/keyed-queue.ts";
export { untilAborted } from "./concurrency/until-aborted.ts";
export type {
  AppendOptions,
  CallOptions,
  CatalogueCapability,
  ExpiryCapability,
  HealthCapability,
  InfoCapability,
  LifecycleCapability,
  ListOptions,
  LogCapability,
  MemoryBackend,
  MemoryInfo,
  PingResult,
  ReadOptions,
  RecentMemory,
  RecentOptions,
  RecentPage,
  Revision,
  SaveOptions,
  Snapshot,
  WriteOptions,
} from "./contract/backend.ts";
export {
  type Capabilities,
  type Capability,
  capabilityMethods,
  requiredMethods,
  supports,
} from "./contract/capabilities.ts";
export { type AskEvent, type BackendEvent, backendChannel, type EventChannel } from "./contract/diagnostics.ts";
export {
  cleanCause,
  MemoryError,
  type MemoryErrorCode,
  type MemoryErrorDetails,
  type Outcome,
} from "./contract/memory-error.ts";
export { checkMemoryId, MAX_MEMORY_ID_BYTES, quoteId } from "./contract/memory-id.ts";
export {
  type AssistantMessage,
  beginsTurn,
  type Message,
  type SystemMessage,
  type ToolCall,
  type ToolMessage,
  type UserMessage,
} from "./contract/message.ts";
export { newId } from "./contract/new-id.ts";
export { checkOperationId } from "./contract/operation-id.ts";
export type { BackendConfig } from "./open/backend-config.ts";
