/*
 * For applications. Authors of adapters, layers and bridges use `@deep-agent/core/adapter`.
 */
export { Agent } from "./agent/agent.ts";
export type { AbortPolicy, AgentOptions } from "./agent/agent-options.ts";
export type { ModelOptions } from "./agent/model-options.ts";
export type { ReplyStream } from "./agent/reply-stream.ts";
export { defineTool, type Tool, type ToolContext } from "./agent/tool.ts";
export type {
  CallOptions,
  ListOptions,
  MemoryBackend,
  MemoryInfo,
  PingResult,
  Revision,
  SaveOptions,
  Snapshot,
} from "./contract/backend.ts";
export { type Capability, supports } from "./contract/capabilities.ts";
export type { AskEvent, BackendEvent } from "./contract/diagnostics.ts";
export { MemoryError, type MemoryErrorCode, type Outcome } from "./contract/memory-error.ts";
export {
  type AssistantMessage,
  type AudioPart,
  assistant,
  type ContentPart,
  type FilePart,
  type ImagePart,
  isMessage,
  type Message,
  type ProviderMetadata,
  type SystemMessage,
  system,
  type TextPart,
  type ToolCall,
  type ToolMessage,
  tool,
  type Usage,
  type UserMessage,
  user,
} from "./contract/message.ts";
export type { Reply } from "./contract/reply.ts";
export { textOf } from "./contract/text-of.ts";
export {
  Conversation,
  type ConversationOptions,
  type Regression,
  type TurnOptions,
} from "./conversation/conversation.ts";
export type { ConflictPolicy } from "./conversation/turn.ts";
export type { WindowLimits } from "./conversation/window.ts";
export type { ChatModel, ModelEvent, ModelRequest, ToolSpec } from "./model/chat-model.ts";
export {
  fromOpenAIAnswer,
  fromOpenAIMessage,
  type OpenAIMessageLike,
  type OpenAIPartLike,
} from "./model/openai/from-openai.ts";
export { type OpenAIClient, OpenAIModel, type OpenAIModelOptions } from "./model/openai/model.ts";
export { type ToOpenAIOptions, toOpenAIMessages } from "./model/openai/to-openai.ts";
export type { OpenAIMessage } from "./model/openai/wire-messages.ts";
export type { BackendConfig } from "./open/backend-config.ts";
export { type OpenBackendOptions, openBackend } from "./open/open-backend.ts";
