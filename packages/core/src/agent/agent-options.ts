import type { MemoryBackend } from "../contract/backend.ts";
import { MemoryError } from "../contract/memory-error.ts";
import type { Regression } from "../conversation/conversation.ts";
import type { ConflictPolicy } from "../conversation/turn.ts";
import type { WindowLimits } from "../conversation/window.ts";
import type { ChatModel } from "../model/chat-model.ts";
import type { ModelOptions } from "./model-options.ts";
import type { Tool } from "./tool.ts";

/** What to store of an aborted turn: `"keep"` the question and the text so far, or `"discard"` all of it. */
export type AbortPolicy = "keep" | "discard";

/** The options of an agent. Each of them except `model` is also a method of {@link Agent}, with the same meaning. */
export interface AgentOptions {
  /** The model that answers, such as an `OpenAIModel`. */
  model: ChatModel;
  /** The system prompt: sent before every window, never stored, never trimmed. Default: none. Method `withSystem`. */
  system?: string | undefined;
  /** Remember in RAM. Default `false`; `longMemory` implies it. Method `withShortMemory`. */
  shortMemory?: boolean | undefined;
  /** The id of the memory to use across processes. Needs a `backend`. Default: none. Method `withLongMemory`. */
  longMemory?: string | undefined;
  /** The store. The agent does not close it. Default: none. Method `usingBackend`. */
  backend?: MemoryBackend | undefined;
  /**
   * Says that the agent is meant to store nothing in its backend. Without this, an ask with a backend and without
   * `longMemory` rejects with `MEMORY_ID_REQUIRED`. Default `false`. Method `withStateless`.
   */
  stateless?: boolean | undefined;
  /**
   * Store each turn before `ask` resolves. If `false`, `saveLongMemory()` stores the turns. Default `true`. Method
   * `withAutoSaveLongMemory`.
   */
  autoSaveLongMemory?: boolean | undefined;
  /**
   * The maximum number of messages of the history that the model is sent. The store keeps all. Default 20. Method
   * `withMaxHistory`.
   */
  maxHistory?: number | undefined;
  /** The maximum number of tokens of the history that the model is sent. Default: no limit. Method `withMaxTokens`. */
  maxTokens?: number | undefined;
  /**
   * Returns the number of tokens of a message, for `maxTokens`. Default: a quarter of the characters of its JSON.
   * Method `withMaxTokens`.
   */
  countTokens?: WindowLimits["countTokens"];
  /** The tools that the model may call, each with its own name. Default: none. Method `withTool`. */
  tools?: readonly Tool[] | undefined;
  /**
   * How many rounds of tool calls a turn may have before it fails with `TOOL_ROUNDS_EXCEEDED`. Default 10. Method
   * `withMaxToolRounds`.
   */
  maxToolRounds?: number | undefined;
  /**
   * Options passed to the model with each request, such as a temperature, or a function of the number of tool rounds.
   * Default: none. Method `withModelOptions`.
   */
  modelOptions?: ModelOptions | undefined;
  /** What to store of an aborted turn. Default `"keep"`. Method `withAbortPolicy`. */
  onAbort?: AbortPolicy | undefined;
  /** What to do with a turn if another writer wrote meanwhile. Default `"append"`. Method `withConflictPolicy`. */
  onConflict?: ConflictPolicy | undefined;
  /** Called if the store has lost acknowledged turns. Default: no handler. Method `withRegressionHandler`. */
  onRegression?: ((regression: Regression) => void) | undefined;
}

/** The names of {@link AgentOptions}. */
export const agentOptionNames: readonly string[] = Object.keys({
  ...{ model: 0, system: 0, shortMemory: 0, longMemory: 0, backend: 0, stateless: 0, autoSaveLongMemory: 0 },
  ...{
    maxHistory: 0,
    maxTokens: 0,
    countTokens: 0,
    tools: 0,
    maxToolRounds: 0,
    modelOptions: 0,
    onAbort: 0,
    onConflict: 0,
  },
  onRegression: 0,
} satisfies Record<keyof AgentOptions, 0>);

/** Throws `INVALID_CONFIG` unless `valid`: the option must be `expected`. */
export function checkOption(valid: boolean, option: string, expected: string, value: unknown): void {
  if (valid) return;
  const shown = typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? value : typeof value;
  throw new MemoryError("INVALID_CONFIG", `The agent's ${option} must be ${expected}, not ${shown}.`);
}
