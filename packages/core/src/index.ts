export { untilAborted } from "./abort.ts";
export { Agent } from "./agent.ts";
export type { AbortPolicy, AgentOptions } from "./agent-options.ts";
export type * from "./backend.ts";
export type { BackendConfig } from "./backend-config.ts";
export * from "./border.ts";
export { type Capabilities, type Capability, capabilityMethods, supports } from "./capabilities.ts";
export type * from "./chat-model.ts";
export { Conversation, type ConversationOptions, type Regression } from "./conversation.ts";
export { type AskEvent, askChannel, type BackendEvent, backendChannel, type EventChannel } from "./diagnostics.ts";
export { decodeEntry, type Entry, encodeEntry, entryPrefix } from "./entry.ts";
export { KeyedSerial } from "./keyed-serial.ts";
export {
  cleanCause,
  MemoryError,
  type MemoryErrorCode,
  type MemoryErrorDetails,
  type Outcome,
  quietCause,
  withoutHint,
} from "./memory-error.ts";
export { checkMemoryId, MAX_MEMORY_ID_BYTES, quoteId } from "./memory-id.ts";
export * from "./message.ts";
export { type OpenBackendOptions, openBackend } from "./open-backend.ts";
export {
  fromOpenAIMessage,
  type OpenAIMessage,
  type OpenAIMessageLike,
  toOpenAIMessages,
} from "./openai-messages.ts";
export { type OpenAIClient, OpenAIModel, type OpenAIModelOptions } from "./openai-model.ts";
export { checkOperationId, newId } from "./operation-id.ts";
export { encodeRecords, MAX_RECORD_BYTES, parseJson } from "./records.ts";
export type { Reply } from "./reply.ts";
export type { ReplyStream } from "./reply-stream.ts";
export { defineTool, type Tool, type ToolContext } from "./tool.ts";
export { parseTtl, type Ttl } from "./ttl.ts";
export type { ConflictPolicy } from "./turn.ts";
export { DEFAULT_MAX_MESSAGES, type WindowLimits } from "./window.ts";
