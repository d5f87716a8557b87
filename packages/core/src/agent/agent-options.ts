import type { MemoryBackend } from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import type { Regression } from "../conversation/conversation.ts";
import type { ConflictPolicy } from "../conversation/turn.ts";
import type { WindowLimits } from "../conversation/window.ts";
import type { ChatModel } from "../model/chat-model.ts";
import type { Tool } from "./tool.ts";

/** What is done with a turn that is aborted: keep the question and the text that had come, or nothing. */
export type AbortPolicy = "keep" | "discard";

/** What an agent is made of. Each option is also a method of {@link Agent}, and means the same there. */
export interface AgentOptions {
  model: ChatModel;
  /** The system prompt: sent before every window, never stored, never trimmed. `withSystem`. */
  system?: string | undefined;
  /** Remember in RAM. Default `false`; `longMemory` implies it. `withShortMemory`. */
  shortMemory?: boolean | undefined;
  /** The id of the memory to remember in, across processes. Needs a `backend`. `withLongMemory`. */
  longMemory?: string | undefined;
  /** The store. The agent does not close it. `usingBackend`. */
  backend?: MemoryBackend | undefined;
  /** Store each turn before `ask` resolves. Default `true`; otherwise `saveLongMemory()` does. `withAutoSaveLongMemory`. */
  autoSaveLongMemory?: boolean | undefined;
  /** How many messages of the history the model is sent at most. The store keeps all. Default 20. `withMaxHistory`. */
  maxHistory?: number | undefined;
  /** How many tokens of history the model is sent at most. Default: as many as there are. `withMaxTokens`. */
  maxTokens?: number | undefined;
  /** The tokens of a message, for `maxTokens`. Default: a quarter of the characters of its JSON. `withMaxTokens`. */
  countTokens?: WindowLimits["countTokens"];
  /** `withTool`. */
  tools?: readonly Tool[] | undefined;
  /** How often in one turn the model may call tools before `TOOL_ROUNDS_EXCEEDED`. Default 10. `withMaxToolRounds`. */
  maxToolRounds?: number | undefined;
  /** Passed to the model with each request: temperature, for one. `withModelOptions`. */
  modelOptions?: Readonly<Record<string, unknown>> | undefined;
  /** Default `"keep"`. `withAbortPolicy`. */
  onAbort?: AbortPolicy | undefined;
  /** Default `"append"`. `withConflictPolicy`. */
  onConflict?: ConflictPolicy | undefined;
  /** Called when the store turns out to have lost turns that it had acknowledged. `withRegressionHandler`. */
  onRegression?: ((regression: Regression) => void) | undefined;
}

/** The names of {@link AgentOptions}. */
export const agentOptionNames: readonly string[] = Object.keys({
  ...{ model: 0, system: 0, shortMemory: 0, longMemory: 0, backend: 0, autoSaveLongMemory: 0, maxHistory: 0 },
  ...{ maxTokens: 0, countTokens: 0, tools: 0, maxToolRounds: 0, modelOptions: 0, onAbort: 0, onConflict: 0 },
  onRegression: 0,
} satisfies Record<keyof AgentOptions, 0>);

/** Throws `INVALID_CONFIG`: `option` must be `expected`. */
export function checkOption(valid: boolean, option: string, expected: string, value: unknown): void {
  if (valid) return;
  const shown = typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? value : typeof value;
  throw new MemoryError("INVALID_CONFIG", `The agent's ${option} must be ${expected}, not ${shown}.`);
}
