export { untilAborted } from "./concurrency/until-aborted.ts";
export { Agent } from "./agent/agent.ts";
export type { AbortPolicy, AgentOptions } from "./agent/agent-options.ts";
export type * from "./contract/backend.ts";
export type { BackendConfig } from "./open/backend-config.ts";
export * from "./adapter-kit/check-arguments.ts";
export { type Capabilities, type Capability, capabilityMethods, supports } from "./contract/capabilities.ts";
export type * from "./model/chat-model.ts";
export { Conversation, type ConversationOptions, type Regression } from "./conversation/conversation.ts";
export { type AskEvent, askChannel, type BackendEvent, backendChannel, type EventChannel } from "./contract/diagnostics.ts";
export { decodeEntry, type Entry, encodeEntry, entryPrefix } from "./adapter-kit/entry.ts";
export { KeyedSerial } from "./concurrency/keyed-queue.ts";
export {
  cleanCause,
  MemoryError,
  type MemoryErrorCode,
  type MemoryErrorDetails,
  type Outcome,
  quietCause,
  withoutHint,
} from "./contract/memory-error.ts";
export { checkMemoryId, MAX_MEMORY_ID_BYTES, quoteId } from "./contract/memory-id.ts";
export * from "./contract/message.ts";
export { type OpenBackendOptions, openBackend } from "./open/open-backend.ts";
export {
  fromOpenAIMessage,
  type OpenAIMessage,
  type OpenAIMessageLike,
  toOpenAIMessages,
} from "./model/openai/messages.ts";
export { type OpenAIClient, OpenAIModel, type OpenAIModelOptions } from "./model/openai/model.ts";
export { checkOperationId, newId } from "./contract/operation-id.ts";
export { encodeRecords, MAX_RECORD_BYTES, parseJson } from "./adapter-kit/records.ts";
export type { Reply } from "./contract/reply.ts";
export type { ReplyStream } from "./agent/reply-stream.ts";
export { defineTool, type Tool, type ToolContext } from "./agent/tool.ts";
export { parseTtl, type Ttl } from "./adapter-kit/ttl.ts";
export type { ConflictPolicy } from "./conversation/turn.ts";
export { DEFAULT_MAX_MESSAGES, type WindowLimits } from "./conversation/window.ts";
